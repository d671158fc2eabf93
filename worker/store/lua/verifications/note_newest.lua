-- Stores the time of the newest change that a remote has shown, unless a later one is stored. Projects are compared at once, so reading and
-- writing are one step.
--
-- KEYS[1]  newest  hash of remote -> time of the newest change
-- ARGV[1]  remote  'procore' or 'netsuite'
-- ARGV[2]  moment  a time as text, later ones sort after earlier ones; '' = none
--
-- Returns the stored time after that, '' if there is none.

local newest, remote, moment = KEYS[1], ARGV[1], ARGV[2]

local known = redis.call('HGET', newest, remote) or ''
if moment <= known then return known end
redis.call('HSET', newest, remote, moment)
return moment
