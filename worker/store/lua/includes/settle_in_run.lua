-- settle_in_run(current, prefix, key, field): removes a key from the current run and counts it there. The run ends with its last key.
--
-- current: the key that holds the id of the current run
-- field:   what the run counts, '' for nothing

--- @include "includes/now_seconds"

local function settle_in_run(current, prefix, key, field)
  local run = redis.call('GET', current)
  if not run then return end
  local open = prefix .. 'run:' .. run .. ':open'
  if redis.call('SREM', open, key) == 0 then return end
  local kind = redis.call('HGET', prefix .. 'run:' .. run, 'kind')
  -- The run itself has expired.
  if not kind then
    redis.call('DEL', open)
    return
  end
  if field ~= '' then redis.call('HINCRBY', prefix .. 'run:' .. run, field, 1) end
  if redis.call('SCARD', open) > 0 then return end
  local sent = redis.call('HMGET', prefix .. 'sent', 'procore:' .. kind, 'netsuite:' .. kind)
  redis.call('HSET', prefix .. 'run:' .. run, 'ended_at', now, 'procore_until', sent[1] or 0, 'netsuite_until', sent[2] or 0)
  local fields = redis.call('HGETALL', prefix .. 'run:' .. run)
  local ended = {}
  for i = 1, #fields, 2 do ended[fields[i]] = fields[i + 1] end
  -- The result of the last run over everything never expires.
  if not ended.whole then return end
  local last = prefix .. 'run:last:' .. ended.kind
  redis.call('DEL', last)
  redis.call('HSET', last, unpack(fields))
end
