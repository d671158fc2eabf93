-- index_unfinished(prefix, key, old, new, seen): moves a code or invoice to the sorted set of its unfinished state, or removes it from all of
-- them when it has ended. Counting unfinished records reads only these sets.
--
-- key:      of the code or invoice
-- old, new: its decoded record before (nil = there was none) and now
-- seen:     when it was first seen (unix seconds); its score, except for a write in doubt, which is as old as the write

local function unfinished_state(record)
  if record.state == 'created' or record.state == 'adopted' then return record.write_back_due and 'write_back' end
  return record.state ~= 'skipped' and record.state
end
local function index_unfinished(prefix, key, old, new, seen)
  local stem = prefix .. 'unfinished:' .. string.match(key, '^%a+') .. ':'
  local now = unfinished_state(new)
  -- Without a record it may be in any set: a user may have cleared its record.
  local places = old and {unfinished_state(old) or nil} or {'waiting', 'intent', 'unknown', 'blocked', 'write_back'}
  for _, place in ipairs(places) do
    if place ~= now then redis.call('ZREM', stem .. place, key) end
  end
  if not now then return end
  local doubt = now == 'intent' or now == 'unknown'
  redis.call('ZADD', stem .. now, doubt and new.sent_at or seen or new.at or 0, key)
end
