-- Takes a lock, or takes it again with the same token, with a fence that is higher than those of all earlier holders of any lock. Also compares
-- this store and this server with those that the ledger knows, and reads the record that the lock guards.
--
-- KEYS[1]  lock     of a code or an invoice
-- KEYS[2]  fence    the last fence
-- KEYS[3]  ledger   hash with the ledger's state
-- KEYS[4]  store    hash with the id of this store
-- KEYS[5]  records  optional: a hash that is read with the lock
-- ARGV[1]  token    of the caller
-- ARGV[2]  lease    ms for which the lock is held without renewal
-- ARGV[3]  known    id of the store that the caller knows, '' for none
-- ARGV[4]  fresh    a part of an id that no other call has
-- ARGV[5]  field    optional: of `records`
--
-- Returns {fence, seconds, microseconds, since, met, store, text}. fence: 0 = another caller has the lock. seconds, microseconds: this
-- server's clock. since: the ledger has lost no intent since then (unix seconds), '' = there is no ledger. met: when this server was
-- recorded as the ledger's (unix seconds). store: its id. text: of the field, '' for none.

--- @include "includes/running_server"
--- @include "includes/meet_store"

local lock, last_fence, ledger, store_identity, records = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local token, lease, known_store, fresh_id, field = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]

local now = redis.call('TIME')
local store = meet_store(store_identity, ledger, known_store, fresh_id)
local holder = redis.call('GET', lock)
if holder and holder ~= token then return {0, now[1], now[2], '', '', store, ''} end
redis.call('SET', lock, token, 'PX', lease)
local state = redis.call('HMGET', ledger, 'since', 'server', 'met')
if state[1] then
  -- Not the server that is recorded for the ledger: it was restarted or a replica took over, and the last second of writes may be lost.
  -- Every write that was in doubt then is in doubt again.
  local server = running_server()
  if server and server ~= state[2] then
    if state[2] then state[1] = now[1] end
    state[3] = string.format('%d.%06d', now[1], now[2])
    redis.call('HSET', ledger, 'server', server, 'since', state[1], 'met', state[3])
  end
end
-- Never below the clock in microseconds: if the counter is lost, a fence must not be lower than that of a running holder. Else no later holder
-- could settle what that one records as in doubt.
local fence = math.max(tonumber(redis.call('GET', last_fence) or '0') + 1, now[1] * 1000000 + now[2])
fence = string.format('%.0f', fence)
redis.call('SET', last_fence, fence)
local text = records and redis.call('HGET', records, field)
return {fence, now[1], now[2], state[1] or '', state[3] or '0', store, text or ''}
