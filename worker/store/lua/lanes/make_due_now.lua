-- Makes work due now that would be due between now and a given time.
--
-- KEYS[1]  waiting  sorted set of work, scored by when it is due (unix seconds, 0 = before all else)
-- ARGV[1]  until    unix seconds
--
-- Returns 1.

--- @include "includes/now_seconds"

local waiting, latest = KEYS[1], ARGV[1]

for _, key in ipairs(redis.call('ZRANGEBYSCORE', waiting, now, latest)) do redis.call('ZADD', waiting, 0, key) end
return 1
