-- Moves work in progress back to waiting, except work with a claim that its worker is renewing.
--
-- KEYS[1]  waiting     sorted set of work, scored by when it is due (unix seconds, 0 = before all else)
-- KEYS[2]  dispatched  sorted set of work in progress, scored by when its dispatch or claim ends (unix seconds)
-- KEYS[3]  begun       hash of work -> claim
-- ARGV[1]  least       minimum seconds until a claim expires while its worker renews it
--
-- Returns 1.

--- @include "includes/now_seconds"

local waiting, dispatched, begun, least = KEYS[1], KEYS[2], KEYS[3], ARGV[1]

for _, key in ipairs(redis.call('ZRANGE', dispatched, 0, -1)) do
  local renewed = redis.call('HEXISTS', begun, key) == 1 and redis.call('ZSCORE', dispatched, key) - now > tonumber(least)
  if not renewed then
    redis.call('ZREM', dispatched, key)
    redis.call('HDEL', begun, key)
    redis.call('ZADD', waiting, 0, key)
  end
end
return 1
