-- Announces a process's cap of requests in flight, and removes caps that have ended.
--
-- KEYS[1]  caps  sorted set of caps, scored by when each ends (ms)
-- ARGV[1]  cap   how many slots this process allows
-- ARGV[2]  kept  ms for which the cap counts
--
-- Returns 1.

--- @include "includes/now_ms"

local caps, cap, kept = KEYS[1], ARGV[1], ARGV[2]

redis.call('ZREMRANGEBYSCORE', caps, '-inf', now)
redis.call('ZADD', caps, now + tonumber(kept), cap)
return 1
