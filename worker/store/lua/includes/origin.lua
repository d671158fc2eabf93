-- The request that caused a piece of work (worker/context.py).
--
-- origin(asked, current, prefix, key):            the correlation id of its request, or of the open run that waits for it; '' for none
-- note_origin(asked, current, prefix, key, id):   records `id` as that of its request unless it has one
--
-- asked:   hash of work -> correlation id
-- current: the key that holds the id of the current run

local function origin(asked, current, prefix, key)
  local own = redis.call('HGET', asked, key)
  if own then return own end
  local run = redis.call('GET', current)
  if not run or redis.call('SISMEMBER', prefix .. 'run:' .. run .. ':open', key) == 0 then return '' end
  return redis.call('HGET', prefix .. 'run:' .. run, 'correlation_id') or run
end
local function note_origin(asked, current, prefix, key, id)
  if id ~= '' and origin(asked, current, prefix, key) == '' then redis.call('HSET', asked, key, id) end
end
