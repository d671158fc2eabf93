-- Deletes a key if it has the expected value: a lock or a claim of the caller, or what the caller knows to be outdated.
--
-- KEYS[1]  key       of a text
-- ARGV[1]  expected  value
--
-- Returns 1 when it was deleted, else 0.

local key, expected = KEYS[1], ARGV[1]

if redis.call('GET', key) == expected then return redis.call('DEL', key) end
return 0
