-- take_due(limit, at_most, dispatch, longest, lease, prefix, claim): moves due work from waiting to in progress, longest due first.
-- Returns a list of key, deaths, correlation id ('' = not known), ledger id ('' = no ledger, or no claim), key, ...
--
-- limit:             how much may be in progress at once
-- at_most:           how much is taken
-- dispatch, longest: seconds of a first dispatch, and of the longest one
-- lease:             seconds of a claim
-- claim:             the caller's claim; '' = messages are sent for the work, and the worker that receives one claims it
--
-- Uses KEYS[1] to KEYS[9] of its script: waiting, dispatched, deaths, current run, asked, begun, failures, again, unbegun.

--- @include "includes/now_seconds"
--- @include "includes/origin"
--- @include "includes/which_ledger"

local function take_due(limit, at_most, dispatch, longest, lease, prefix, claim)
  -- The first write for each piece of work is one that a full server refuses: else work would be taken for which no message can be sent.
  for _, key in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now, 'LIMIT', 0, 100)) do
    redis.call('ZADD', KEYS[1], 0, key)
    redis.call('ZREM', KEYS[2], key)
    -- A claim that ended means that its worker died. A message that no worker has begun means nothing of the kind.
    if redis.call('HDEL', KEYS[6], key) == 1 then redis.call('HINCRBY', KEYS[3], key, 1)
    else redis.call('HINCRBY', KEYS[9], key, 1) end
  end
  local room = math.min(tonumber(limit) - redis.call('ZCARD', KEYS[2]), tonumber(at_most))
  local taken = {}
  if room <= 0 then return taken end
  for _, key in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, room)) do
    local seconds = tonumber(lease)
    -- No worker reads the queue of its messages: each further message is sent after twice the time, so that they do not pile up.
    if claim == '' then seconds = math.min(dispatch * 2 ^ (redis.call('HGET', KEYS[9], key) or 0), tonumber(longest)) end
    redis.call('ZADD', KEYS[2], now + seconds, key)
    if claim ~= '' then
      redis.call('HSET', KEYS[6], key, claim)
      redis.call('HDEL', KEYS[9], key)
    else
      redis.call('HDEL', KEYS[6], key)
    end
    redis.call('ZREM', KEYS[1], key)
    redis.call('SREM', KEYS[8], key)
    taken[#taken + 1] = key
    taken[#taken + 1] = redis.call('HGET', KEYS[3], key) or '0'
    taken[#taken + 1] = origin(KEYS[5], KEYS[4], prefix, key)
    taken[#taken + 1] = claim ~= '' and which_ledger(prefix) or ''
  end
  return taken
end
