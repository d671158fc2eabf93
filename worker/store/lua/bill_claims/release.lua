-- Releases an invoice's claim, under that invoice's lock: so the invoice is not between its claim and its intent to write.
--
-- KEYS[1]  claims   hash of claim -> invoice key
-- KEYS[2]  lock     of the invoice that has the claim
-- ARGV[1]  claim    what is claimed
-- ARGV[2]  invoice  key of the invoice that has it
-- ARGV[3]  token    by which the caller holds the lock
--
-- Returns 1 when it was released; 0 when the lock is lost or another invoice has the claim.

local claims, lock = KEYS[1], KEYS[2]
local claim, invoice, token = ARGV[1], ARGV[2], ARGV[3]

if redis.call('GET', lock) ~= token or redis.call('HGET', claims, claim) ~= invoice then return 0 end
return redis.call('HDEL', claims, claim)
