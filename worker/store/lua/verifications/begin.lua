-- Begins a verification, or joins the one in progress unless it is to be replaced or has stalled.
--
-- KEYS[1]  current     id of the verification in progress
-- KEYS[2]  sent        hash of `remote:precedence` -> requests sent
-- ARGV[1]  fresh id    of a new verification
-- ARGV[2]  is full     '1' or '0'
-- ARGV[3]  replace     '1' = begin a new one in any case
-- ARGV[4]  stale       seconds without progress after which a new one begins
-- ARGV[5]  kept        seconds for which it is kept after its last step
-- ARGV[6]  stem        beginning of the keys of verifications, before their id
-- ARGV[7]  precedence  under which its requests are counted
--
-- Returns {id, 1 = joined or 0 = begun}.

--- @include "includes/now_seconds"

local current, requests_sent = KEYS[1], KEYS[2]
local fresh_id, is_full, replace, stale, kept, stem, precedence = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7]

local id = redis.call('GET', current)
if id and replace == '0' then
  local saved_at = redis.call('HGET', stem .. id .. ':state', 'saved_at')
  if saved_at and now - tonumber(saved_at) < tonumber(stale) then return {id, 1} end
end
local state = stem .. fresh_id .. ':state'
local sent = redis.call('HMGET', requests_sent, 'procore:' .. precedence, 'netsuite:' .. precedence)
redis.call('HSET', state, 'full', is_full, 'started_at', now, 'saved_at', now, 'procore', sent[1] or 0, 'netsuite', sent[2] or 0)
redis.call('EXPIRE', state, kept)
redis.call('SET', current, fresh_id, 'EX', kept)
return {fresh_id, 0}
