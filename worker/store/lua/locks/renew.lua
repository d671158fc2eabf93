-- Renews a lock that the caller still holds.
--
-- KEYS[1]  lock   of a code or an invoice
-- ARGV[1]  token  of the caller
-- ARGV[2]  lease  ms from now
--
-- Returns 1, or 0 when the lock is lost.

local lock, token, lease = KEYS[1], ARGV[1], ARGV[2]

if redis.call('GET', lock) == token then return redis.call('PEXPIRE', lock, lease) end
return 0
