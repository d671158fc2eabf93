-- Counts something for the current run; does nothing if it has ended or expired.
--
-- KEYS[1]  current run  id of the current run of this kind
-- ARGV[1]  prefix       of all keys
-- ARGV[2]  field        what is counted
-- ARGV[3]  number       to add
--
-- Returns the new count; 0 when no run is open.

local current_run, prefix, field, number = KEYS[1], ARGV[1], ARGV[2], ARGV[3]

local run = redis.call('GET', current_run)
if not run then return 0 end
local fields = redis.call('HMGET', prefix .. 'run:' .. run, 'kind', 'ended_at')
if not fields[1] or fields[2] then return 0 end
return redis.call('HINCRBY', prefix .. 'run:' .. run, field, number)
