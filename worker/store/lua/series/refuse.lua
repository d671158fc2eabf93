-- Counts a refused record of a series. The second record in a row that is refused for the same reason stops the series.
--
-- KEYS[1]   series        hash with the state of the series
-- ARGV[1]   refusal       the reason
-- ARGV[2]   key           of the refused code or invoice
-- ARGV[3]   trial at      unix seconds from which one record of the stopped series may be sent
--
-- Returns {2, key of the record that was refused before} = the series is stopped now; {2, ''} = refusals had stopped it, and the reason is
-- another one now; {1, ''} = refusals had stopped it for this reason; {0, ''} = it continues, or a difference has stopped it.

local series, refusal, key = KEYS[1], ARGV[1], ARGV[2]
local stopped = redis.call('HGET', series, 'stopped')
local earlier_refusal = redis.call('HGET', series, 'refusal')
local earlier = redis.call('HGET', series, 'refused_record')
-- A difference that stopped it has its own problem, which comes first.
if stopped and stopped ~= 'refused' then return {0, ''} end
redis.call('HSET', series, 'refusal', refusal, 'refused_record', key)
if redis.call('HGET', series, 'trial') == key then redis.call('HDEL', series, 'trial') end
if stopped then return {earlier_refusal == refusal and 1 or 2, ''} end
if earlier_refusal ~= refusal or earlier == key then return {0, ''} end
redis.call('HSET', series, 'stopped', 'refused', 'trial_at', ARGV[3])
return {2, earlier}
