-- The request that a piece of work goes back to (worker/observability/correlation.py).
--
-- origin(asked, current, prefix, key):            its own request, or that of the open run which waits for it; '' when there is none
-- note_origin(asked, current, prefix, key, id):   keeps `id` as its request unless it has one
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
