-- Returns the running server if the ledger has not been checked for lost work on it.
--
-- KEYS[1]  ledger    hash with the ledger's state
-- ARGV[1]  runs for  seconds that the server must have been running
--
-- Returns the server's run id; '' when there is nothing to check.

--- @include "includes/running_server"

local ledger, needed_uptime = KEYS[1], ARGV[1]

local state = redis.call('HMGET', ledger, 'since', 'looked_through')
local server, runs_for = running_server()
if not state[1] or not server or server == state[2] or runs_for < tonumber(needed_uptime) then return '' end
return server
