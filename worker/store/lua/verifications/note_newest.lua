-- Records when records of a remote were changed, unless a later time is already recorded: comparisons of several projects record theirs at once.
--
-- KEYS[1]  newest  hash of remote -> the latest time recorded
-- ARGV[1]  remote  'procore' or 'netsuite'
-- ARGV[2]  moment  a time as text, later ones sort after earlier ones; '' = none
--
-- Returns the latest time that was ever recorded for the remote, '' if there is none.

local newest, remote, moment = KEYS[1], ARGV[1], ARGV[2]

local known = redis.call('HGET', newest, remote) or ''
if moment <= known then return known end
redis.call('HSET', newest, remote, moment)
return moment
