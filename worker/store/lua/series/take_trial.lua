-- Lets one record of a series that refusals have stopped be sent, to see whether NetSuite accepts it now.
--
-- KEYS[1]   series        hash with the state of the series
-- ARGV[1]   key           of the code or invoice
-- ARGV[2]   now           unix seconds
-- ARGV[3]   next at       unix seconds from which the next record may be sent
--
-- Returns 1 = this record may be sent; 0 = it may not.

local series, key = KEYS[1], ARGV[1]
if redis.call('HGET', series, 'stopped') ~= 'refused' then return 0 end
if tonumber(redis.call('HGET', series, 'trial_at') or 0) > tonumber(ARGV[2]) then return 0 end
redis.call('HSET', series, 'trial', key, 'trial_at', ARGV[3])
return 1
