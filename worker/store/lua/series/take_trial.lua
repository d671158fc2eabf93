-- Lets one record of a series that refusals have stopped be sent, to see whether NetSuite accepts it now.
--
-- KEYS[1]   series        hash with the state of the series
-- ARGV[1]   key           of the code or invoice
-- ARGV[2]   now           unix seconds
-- ARGV[3]   next at       unix seconds from which the next record may be sent
-- ARGV[4]   file          digest of the file with NetSuite's fields, '' without one
--
-- Returns 1 = this record may be sent; 0 = it may not.

local series, key, now, next_at = KEYS[1], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
if redis.call('HGET', series, 'stopped') ~= 'refused' then return 0 end
local trial_at = tonumber(redis.call('HGET', series, 'trial_at') or 0)
-- The record that was refused last may be unlike all others. They come first: each of them asks once in this time.
if redis.call('HGET', series, 'refused_record') == key then trial_at = trial_at + (next_at - now) end
-- With another file than the one that was refused, the first record asks at once.
local refused_file = redis.call('HGET', series, 'refused_file')
if trial_at > now and (not refused_file or refused_file == ARGV[4]) then return 0 end
redis.call('HSET', series, 'trial', key, 'trial_at', ARGV[3], 'refused_file', ARGV[4])
return 1
