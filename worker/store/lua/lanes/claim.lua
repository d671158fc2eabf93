-- Begins a piece of work, unless another worker is doing it.
--
-- KEYS[1]  waiting      sorted set of work, scored by when it is due (unix seconds, 0 = before all else)
-- KEYS[2]  dispatched   sorted set of work in progress, scored by when its dispatch or claim ends (unix seconds)
-- KEYS[3]  deaths       hash of work -> workers that died with it
-- KEYS[4]  again        set of work that is repeated after its attempt
-- KEYS[5]  asked        hash of work -> correlation id
-- KEYS[6]  current run  id of the run that may wait for it
-- KEYS[7]  begun        hash of work -> claim
-- KEYS[8]  unbegun      hash of work -> messages that no worker has begun
-- ARGV[1]  key          of the work
-- ARGV[2]  lease        seconds of the claim
-- ARGV[3]  claim        of the caller
-- ARGV[4]  how          'request' = a new request; 'in lane' = a message of its lane, which may be late; 'aside' = neither
-- ARGV[5]  correlation  id of the request, '' for none
-- ARGV[6]  prefix       of all keys
--
-- Returns {1, ledger id ('' = none)} = begun; {0} = another worker is doing it; {-1} = it is in no lane or due later.

--- @include "includes/now_seconds"
--- @include "includes/origin"
--- @include "includes/invoice_age"
--- @include "includes/which_ledger"

local waiting, dispatched, deaths, again, asked, current_run, begun, unbegun = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local key, claim_seconds, claim, how, correlation_id, prefix = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]

local lease = redis.call('ZSCORE', dispatched, key)
local holder = lease and redis.call('HGET', begun, key)
if holder and tonumber(lease) > now then
  if holder == claim then return {1, which_ledger(prefix)} end
  if how == 'request' then
    note_origin(asked, current_run, prefix, key, correlation_id)
    redis.call('SADD', again, key)
  end
  return {0}
end
if how == 'in lane' and not lease then
  local due = redis.call('ZSCORE', waiting, key)
  if not due or tonumber(due) > now then return {-1} end
end
-- A full server refuses this first write, so that work whose claim cannot be recorded is not begun.
redis.call('ZADD', dispatched, now + tonumber(claim_seconds), key)
if holder then redis.call('HINCRBY', deaths, key, 1) end
note_origin(asked, current_run, prefix, key, correlation_id)
invoice_begins(prefix, key)
redis.call('ZREM', waiting, key)
redis.call('HSET', begun, key, claim)
redis.call('HDEL', unbegun, key)
-- This attempt sees everything that was requested before it.
redis.call('SREM', again, key)
return {1, which_ledger(prefix)}
