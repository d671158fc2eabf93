-- Reads some open keys of the current run, chosen at random, and extends the run's expiry.
--
-- KEYS[1]  current run  id of the current run of this kind
-- ARGV[1]  prefix       of all keys
-- ARGV[2]  kept         seconds for which a run is kept
-- ARGV[3]  at most      how many keys are read
--
-- Returns keys; none when no run is open.

local current_run, prefix, kept, at_most = KEYS[1], ARGV[1], ARGV[2], ARGV[3]

local run = redis.call('GET', current_run)
if not run then return {} end
local fields = redis.call('HMGET', prefix .. 'run:' .. run, 'kind', 'ended_at')
if not fields[1] or fields[2] then return {} end
local open = prefix .. 'run:' .. run .. ':open'
redis.call('EXPIRE', prefix .. 'run:' .. run, kept)
redis.call('EXPIRE', open, kept)
return redis.call('SRANDMEMBER', open, at_most)
