-- Renews the lease of a slot that the caller still holds.
--
-- KEYS[1]  slots  sorted set of tokens, scored by when each lease ends (ms)
-- ARGV[1]  token  of the caller
-- ARGV[2]  lease  ms from now
--
-- Returns 1, or 0 when the slot is lost.

local slots, token, lease = KEYS[1], ARGV[1], ARGV[2]

if not redis.call('ZSCORE', slots, token) then return 0 end
local t = redis.call('TIME')
redis.call('ZADD', slots, t[1] * 1000 + math.floor(t[2] / 1000) + tonumber(lease), token)
return 1
