-- Blocks all requests to a remote for a while, after a 429.
--
-- KEYS[1]  limits    hash of what is known of the remote's windows, times in ms
-- ARGV[1]  duration  ms
--
-- Returns 1.

--- @include "includes/now_ms"

local limits, duration = KEYS[1], ARGV[1]

redis.call('HSET', limits, 'blocked', now + duration)
redis.call('EXPIRE', limits, 7200)
return 1
