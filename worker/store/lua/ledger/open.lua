-- Opens the ledger: from now on, workers write to NetSuite by its records.
--
-- KEYS[1]  ledger          hash with the ledger's state
-- KEYS[2]  rebuild         hash with the counts of the rebuild, which ends
-- KEYS[3]  store           hash with the id of this store, and when it got the id
-- ARGV[1]  since           the last moment at which an intent may have been lost (unix seconds), 0 for never
-- ARGV[2]  reporting time  seconds after the store began in which processes may still report a loss
-- ARGV[3]  adoptions lost  '1' = the adopted Items of the earlier ledger are not known, '0' = they are
--
-- Returns 1.

--- @include "includes/running_server"

local ledger, rebuild, store_identity = KEYS[1], KEYS[2], KEYS[3]
local asked_since, reporting_time, adoptions_lost = ARGV[1], ARGV[2], ARGV[3]

local now = redis.call('TIME')
redis.call('DEL', rebuild)
local opened_at = string.format('%d.%06d', now[1], now[2])
local store = redis.call('HMGET', store_identity, 'since', 'lost')
local since, met = asked_since, opened_at
if store[2] and tonumber(store[2]) > tonumber(since) then since = store[2] end
local reported_by = tonumber(store[1] or '0') + tonumber(reporting_time)
if reported_by > tonumber(met) then met = string.format('%.6f', reported_by) end
redis.call('HSET', ledger, 'since', since, 'opened_at', opened_at, 'met', met)
if adoptions_lost == '1' and tonumber(since) > 0 then redis.call('HSET', ledger, 'adoptions_lost', 1) end
local server = running_server()
if server then redis.call('HSET', ledger, 'server', server, 'looked_through', server) end
return 1
