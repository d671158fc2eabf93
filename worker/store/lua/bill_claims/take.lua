-- Claims a vendor's document number, or a bill, for one invoice unless another invoice has it.
--
-- KEYS[1]  claims   hash of claim -> invoice key
-- ARGV[1]  claim    what is claimed
-- ARGV[2]  invoice  key of the invoice that claims it
--
-- Returns the key of the invoice that has it now.

local claims, claim, invoice = KEYS[1], ARGV[1], ARGV[2]

if redis.call('HSETNX', claims, claim, invoice) == 1 then return invoice end
return redis.call('HGET', claims, claim)
