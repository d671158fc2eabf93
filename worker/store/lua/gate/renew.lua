-- Renews the lease of a slot that the caller still holds.
--
-- KEYS[1]  slots  sorted set of tokens, scored by when each lease ends (ms)
-- ARGV[1]  token  of the caller
-- ARGV[2]  lease  ms from now
--
-- Returns 1, or 0 when the slot is lost.

--- @include "includes/now_ms"

local slots, token, lease = KEYS[1], ARGV[1], ARGV[2]

if not redis.call('ZSCORE', slots, token) then return 0 end
redis.call('ZADD', slots, now + tonumber(lease), token)
return 1
