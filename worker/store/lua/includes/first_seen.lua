-- A record keeps permanently when its code or invoice was first seen, and what requested it.
--
-- trigger_of(current, prefix, ...):  the trigger of the open run that waits for one of the given keys, shortened; '' when none does.
--                                    current: the key that holds the id of the current run
-- with_first_seen(record, seen, by): the record (JSON) with `seen` (whole unix seconds) and `by` added; unchanged where `seen` is nil

local TRIGGER_BYTES = 16 -- there are as many records as codes; the run itself has the whole trigger

local function brief(text)
  if #text <= TRIGGER_BYTES then return text end
  -- Without a character that the limit would cut in two.
  return string.match(string.sub(text, 1, TRIGGER_BYTES), '^(.-)[\192-\255]?[\128-\191]*$')
end
local function trigger_of(current, prefix, ...)
  local run = redis.call('GET', current)
  for _, key in ipairs(run and {...} or {}) do
    if redis.call('SISMEMBER', prefix .. 'run:' .. run .. ':open', key) == 1 then
      return brief(redis.call('HGET', prefix .. 'run:' .. run, 'trigger') or '')
    end
  end
  return ''
end
local function with_first_seen(record, seen, by)
  if not seen then return record end
  local by_field = by and by ~= '' and ',"by":' .. cjson.encode(by) or ''
  return string.sub(record, 1, -2) .. ',"seen":' .. seen .. by_field .. '}'
end
