"""The Lua scripts of `worker/store/work.py`: each change of a lane or a run is one of these, and may run twice (redis-py repeats a
command whose connection broke).

KEYS and ARGV are named at the head of each. `claim` is the token of the caller's claim, '' for a caller that has none. Work that another
claim has begun is never changed by it. A claim that is gone (it ended unrenewed, or Redis was emptied) ends no work any more, but what it
leaves to be done waits all the same: the ledger may know of that already.
"""

from __future__ import annotations

_NOW = "local t = redis.call('TIME'); local now = tonumber(t[1]) + tonumber(t[2]) / 1000000\n"

_HOLDER = """
-- By which claim a piece of work is in progress; '' = by none. A note about work that is in nobody's hand says nothing.
local function holder(hand, begun, key)
  return redis.call('ZSCORE', hand, key) and redis.call('HGET', begun, key) or ''
end
"""
_ORIGIN = """
-- Whose request a piece of work goes back to (worker/domain/correlation.py): its own one, or that of the run which waits for it.
local function origin(asked, current, prefix, key)
  local own = redis.call('HGET', asked, key)
  if own then return own end
  local run = redis.call('GET', current)
  if not run or redis.call('SISMEMBER', prefix .. 'run:' .. run .. ':open', key) == 0 then return '' end
  return redis.call('HGET', prefix .. 'run:' .. run, 'correlation_id') or run
end
local function asks(asked, current, prefix, key, id)
  if id ~= '' and origin(asked, current, prefix, key) == '' then redis.call('HSET', asked, key, id) end
end
"""
_SINCE = """
-- Since when an invoice is work that has not ended: from its first request on, however often it waits again.
local function is_invoice(key) return string.sub(key, 1, 8) == 'invoice:' end
local function begins(prefix, key)
  if is_invoice(key) then redis.call('ZADD', prefix .. 'since:invoice', 'NX', now, key) end
end
local function ends(prefix, key)
  if is_invoice(key) then redis.call('ZREM', prefix .. 'since:invoice', key) end
end
"""
_SETTLE = """
local function settle(current, prefix, key, field)
  local run = redis.call('GET', current)
  if not run then return end
  local open = prefix .. 'run:' .. run .. ':open'
  if redis.call('SREM', open, key) == 0 then return end
  local kind = redis.call('HGET', prefix .. 'run:' .. run, 'kind')
  -- The run is older than runs are kept: nobody counts for it any more.
  if not kind then
    redis.call('DEL', open)
    return
  end
  if field ~= '' then redis.call('HINCRBY', prefix .. 'run:' .. run, field, 1) end
  if redis.call('SCARD', open) > 0 then return end
  local sent = redis.call('HMGET', prefix .. 'sent', 'procore:' .. kind, 'netsuite:' .. kind)
  redis.call('HSET', prefix .. 'run:' .. run, 'ended_at', now, 'procore_until', sent[1] or 0, 'netsuite_until', sent[2] or 0)
  local fields = redis.call('HGETALL', prefix .. 'run:' .. run)
  local ended = {}
  for i = 1, #fields, 2 do ended[fields[i]] = fields[i + 1] end
  -- How the last one over everything ended is known for good.
  if not ended.whole then return end
  local last = prefix .. 'run:last:' .. ended.kind
  redis.call('DEL', last)
  redis.call('HSET', last, unpack(fields))
end
"""
ADD = (
    _NOW
    + _ORIGIN
    + _SINCE
    + """
-- KEYS: waiting, hand, again, deaths, failures, asked, current run. ARGV: 'add', 'request' or 'retry', at, who asks, prefix, keys...
for i = 5, #ARGV do
  local key = ARGV[i]
  asks(KEYS[6], KEYS[7], ARGV[4], key, ARGV[3])
  begins(ARGV[4], key)
  if ARGV[1] == 'retry' then
    redis.call('HDEL', KEYS[4], key)
    redis.call('HDEL', KEYS[5], key)
  end
  if not redis.call('ZSCORE', KEYS[2], key) then redis.call('ZADD', KEYS[1], 'LT', ARGV[2], key)
  -- The attempt in progress may have begun before what it was asked for; one that has yet to begin takes the note away.
  elseif ARGV[1] ~= 'add' then redis.call('SADD', KEYS[3], key) end
end
return 1
"""
)
_TAKE = """
-- Move work that is due from waiting to hand. KEYS: waiting, hand, deaths, current run, asked, begun, failures, again, unbegun
-- limit: how much may be in hand; at_most: how much is taken; dispatch, longest: seconds of a dispatch, and its longest; lease: seconds of
-- a claim; claim: '' = messages are sent for it. Returns key, deaths, who asked, key, ...
local function take(limit, at_most, dispatch, longest, lease, prefix, claim)
  -- Each piece begins with a write that a full server refuses: else it would be taken and no message could be sent for it.
  for _, key in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now, 'LIMIT', 0, 100)) do
    redis.call('ZADD', KEYS[1], 0, key)
    redis.call('ZREM', KEYS[2], key)
    -- Its worker died with it. A message that no worker has begun says nothing about the work.
    if redis.call('HDEL', KEYS[6], key) == 1 then redis.call('HINCRBY', KEYS[3], key, 1)
    else redis.call('HINCRBY', KEYS[9], key, 1) end
  end
  local room = math.min(tonumber(limit) - redis.call('ZCARD', KEYS[2]), tonumber(at_most))
  local given = {}
  if room <= 0 then return given end
  for _, key in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, room)) do
    local seconds = tonumber(lease)
    -- Its messages pile up in a queue that nobody reads, so each waits twice as long as the one before.
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
    given[#given + 1] = key
    given[#given + 1] = redis.call('HGET', KEYS[3], key) or '0'
    given[#given + 1] = origin(KEYS[5], KEYS[4], prefix, key)
  end
  return given
end
"""
TAKE = (
    _NOW
    + _ORIGIN
    + _TAKE
    + """
-- ARGV: as of `take`
return take(unpack(ARGV))
"""
)
CLAIM = (
    _NOW
    + _ORIGIN
    + _SINCE
    + """
-- KEYS: waiting, hand, deaths, again, asked, current run, begun, unbegun. ARGV: key, seconds, claim, 'request', 'in lane' or 'aside',
-- who asks, prefix. Returns 1 = begun, 0 = another worker is at it, -1 = it is not to be done now
local key = ARGV[1]
local lease = redis.call('ZSCORE', KEYS[2], key)
local holder = lease and redis.call('HGET', KEYS[7], key)
if holder and tonumber(lease) > now then
  if holder == ARGV[3] then return 1 end
  if ARGV[4] == 'request' then
    asks(KEYS[5], KEYS[6], ARGV[6], key, ARGV[5])
    redis.call('SADD', KEYS[4], key)
  end
  return 0
end
if ARGV[4] == 'in lane' and not lease then
  local due = redis.call('ZSCORE', KEYS[1], key)
  if not due or tonumber(due) > now then return -1 end
end
-- First, since a full server refuses it: what cannot be recorded is not begun.
redis.call('ZADD', KEYS[2], now + tonumber(ARGV[2]), key)
if holder then redis.call('HINCRBY', KEYS[3], key, 1) end
asks(KEYS[5], KEYS[6], ARGV[6], key, ARGV[5])
begins(ARGV[6], key)
redis.call('ZREM', KEYS[1], key)
redis.call('HSET', KEYS[7], key, ARGV[3])
redis.call('HDEL', KEYS[8], key)
-- This attempt sees what was asked for before now.
redis.call('SREM', KEYS[4], key)
return 1
"""
)
RENEW = (
    _NOW
    + _HOLDER
    + """
-- KEYS: hand, begun. ARGV: key, claim, seconds
if holder(KEYS[1], KEYS[2], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[3]), ARGV[1])
return 1
"""
)
HAND_OVER = (
    _NOW
    + _HOLDER
    + """
-- KEYS: hand, begun. ARGV: key, claim, seconds of a dispatch
local by = holder(KEYS[1], KEYS[2], ARGV[1])
if by ~= '' and by ~= ARGV[2] then return 0 end
redis.call('HDEL', KEYS[2], ARGV[1])
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[3]), ARGV[1])
return 1
"""
)
CLOSE = (
    _NOW
    + _SETTLE
    + _ORIGIN
    + _HOLDER
    + _TAKE
    + _SINCE
    + """
-- KEYS: waiting, hand, deaths, current run, asked, begun, failures, again, unbegun. ARGV: key, run field, prefix, claim, and, for a caller
-- that goes on with other work of the lane, as of `take`
local function close(key, field, prefix, claim)
  if holder(KEYS[2], KEYS[6], key) ~= claim then return end
  redis.call('ZREM', KEYS[1], key)
  redis.call('ZREM', KEYS[2], key)
  redis.call('HDEL', KEYS[3], key)
  redis.call('HDEL', KEYS[6], key)
  redis.call('HDEL', KEYS[7], key)
  -- Somebody asked for it meanwhile, for something that this attempt may not have seen: its run waits for the next one.
  if redis.call('SISMEMBER', KEYS[8], key) == 1 then
    redis.call('ZADD', KEYS[1], 0, key)
    return
  end
  redis.call('HDEL', KEYS[5], key)
  ends(prefix, key)
  settle(KEYS[4], prefix, key, field)
end
close(ARGV[1], ARGV[2], ARGV[3], ARGV[4])
return ARGV[5] and take(unpack(ARGV, 5)) or {}
"""
)
LATER = (
    _NOW
    + _SETTLE
    + _ORIGIN
    + _HOLDER
    + _SINCE
    + """
-- KEYS: waiting, hand, deaths, current run, asked, begun, again. ARGV: key, run field ('' = the run goes on waiting), prefix, at, who
-- asks, claim
local key, at = ARGV[1], ARGV[4]
local by = holder(KEYS[2], KEYS[6], key)
if by ~= '' and by ~= ARGV[6] then return 0 end
-- First, since a full server takes it, and what follows it: a claim is released even then.
redis.call('ZREM', KEYS[2], key)
asks(KEYS[5], KEYS[4], ARGV[3], key, ARGV[5])
begins(ARGV[3], key)
redis.call('HDEL', KEYS[3], key)
redis.call('HDEL', KEYS[6], key)
local again = redis.call('SISMEMBER', KEYS[7], key) == 1
if again then at = 0 end
redis.call('ZADD', KEYS[1], at, key)
if ARGV[2] ~= '' and not again then settle(KEYS[4], ARGV[3], key, ARGV[2]) end
return 1
"""
)
SPAWN = (
    _NOW
    + _SETTLE
    + _ORIGIN
    + _HOLDER
    + _TAKE
    + _SINCE
    + """
-- KEYS: waiting, hand, deaths, current run, asked, begun, failures, again, unbegun, child waiting, child hand; the first ones of the
-- parent's lane. ARGV: parent, prefix, claim, number of counts, (field, count)..., time of the children or '' = now, number of what
-- follows for `take` (none, or all of it), that, children...
local parent, prefix = ARGV[1], ARGV[2]
local by = holder(KEYS[2], KEYS[6], parent)
local counts = tonumber(ARGV[4])
local taking = tonumber(ARGV[6 + 2 * counts])
local first_child = 7 + 2 * counts + taking
local function spawn()
  if by ~= '' and by ~= ARGV[3] then return end
  local run = redis.call('GET', KEYS[4])
  local open = run and (prefix .. 'run:' .. run .. ':open')
  local again = redis.call('SISMEMBER', KEYS[8], parent) == 1
  local listed = open and redis.call('SISMEMBER', open, parent) == 1 and redis.call('HEXISTS', prefix .. 'run:' .. run, 'kind') == 1
  -- Of a parent that was asked for once more meanwhile the run counts the next attempt, which finds all of these children again.
  local mine = listed and not again
  if mine then
    for i = 1, counts do redis.call('HINCRBY', prefix .. 'run:' .. run, ARGV[3 + 2 * i], ARGV[4 + 2 * i]) end
  end
  local at = ARGV[5 + 2 * counts]
  if at == '' then at = now end
  local asked_by = mine and '' or origin(KEYS[5], KEYS[4], prefix, parent)
  for i = first_child, #ARGV do
    if not redis.call('ZSCORE', KEYS[11], ARGV[i]) then redis.call('ZADD', KEYS[10], 'LT', at, ARGV[i]) end
    asks(KEYS[5], KEYS[4], prefix, ARGV[i], asked_by)
    begins(prefix, ARGV[i])
    if mine then redis.call('SADD', open, ARGV[i]) end
  end
  if by ~= ARGV[3] then return end
  redis.call('ZREM', KEYS[1], parent)
  redis.call('ZREM', KEYS[2], parent)
  redis.call('HDEL', KEYS[3], parent)
  redis.call('HDEL', KEYS[6], parent)
  redis.call('HDEL', KEYS[7], parent)
  if again then
    redis.call('ZADD', KEYS[1], 0, parent)
    return
  end
  redis.call('HDEL', KEYS[5], parent)
  ends(prefix, parent)
  settle(KEYS[4], prefix, parent, '')
end
spawn()
return taking > 0 and take(unpack(ARGV, 7 + 2 * counts, 6 + 2 * counts + taking)) or {}
"""
)
HURRY = (
    _NOW
    + """
-- KEYS: waiting. ARGV: until
for _, key in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], now, ARGV[1])) do redis.call('ZADD', KEYS[1], 0, key) end
return 1
"""
)
TAKE_BACK = (
    _NOW
    + """
-- KEYS: waiting, hand, begun. ARGV: seconds that a claim has left at least while its worker renews it
for _, key in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
  local renewed = redis.call('HEXISTS', KEYS[3], key) == 1 and redis.call('ZSCORE', KEYS[2], key) - now > tonumber(ARGV[1])
  if not renewed then
    redis.call('ZREM', KEYS[2], key)
    redis.call('HDEL', KEYS[3], key)
    redis.call('ZADD', KEYS[1], 0, key)
  end
end
return 1
"""
)
BEGIN = (
    _NOW
    + """
-- KEYS: current run, all runs. ARGV: new id, kind, trigger, prefix, kept seconds, who asks or '', first keys...
local joined, prefix = 1, ARGV[4]
local run = redis.call('GET', KEYS[1])
local known = run and redis.call('HGET', prefix .. 'run:' .. run, 'kind')
-- What is left of one that is older than runs are kept is no run any more.
if run and not known then redis.call('DEL', prefix .. 'run:' .. run, prefix .. 'run:' .. run .. ':open') end
if not known or redis.call('HGET', prefix .. 'run:' .. run, 'ended_at') then
  joined = 0
  run = ARGV[1]
  redis.call('SET', KEYS[1], run)
  local sent = redis.call('HMGET', prefix .. 'sent', 'procore:' .. ARGV[2], 'netsuite:' .. ARGV[2])
  redis.call('HSET', prefix .. 'run:' .. run, 'kind', ARGV[2], 'trigger', ARGV[3], 'started_at', now,
    'procore_from', sent[1] or 0, 'netsuite_from', sent[2] or 0)
  if ARGV[6] ~= '' then redis.call('HSET', prefix .. 'run:' .. run, 'correlation_id', ARGV[6]) end
  redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - tonumber(ARGV[5]))
  redis.call('ZADD', KEYS[2], now, run)
end
local open = prefix .. 'run:' .. run .. ':open'
for i = 7, #ARGV do
  local whole = ARGV[i]:sub(-4) == ':all'
  -- Who joins a run over everything finds its key in it, or already worked off; a run over some projects is widened.
  if not whole or redis.call('HSETNX', prefix .. 'run:' .. run, 'whole', 1) == 1 then redis.call('SADD', open, ARGV[i]) end
end
redis.call('EXPIRE', prefix .. 'run:' .. run, ARGV[5])
redis.call('EXPIRE', open, ARGV[5])
return {run, joined}
"""
)
OPEN_KEYS = """
-- KEYS: current run. ARGV: prefix, kept seconds, at most. Some open keys of the run that goes on; it is kept for as long as somebody
-- looks after it.
local run = redis.call('GET', KEYS[1])
if not run then return {} end
local fields = redis.call('HMGET', ARGV[1] .. 'run:' .. run, 'kind', 'ended_at')
if not fields[1] or fields[2] then return {} end
local open = ARGV[1] .. 'run:' .. run .. ':open'
redis.call('EXPIRE', ARGV[1] .. 'run:' .. run, ARGV[2])
redis.call('EXPIRE', open, ARGV[2])
return redis.call('SRANDMEMBER', open, ARGV[3])
"""
BACKLOG = (
    _NOW
    + """
-- KEYS: waiting, hand. Returns how many wait, how many are in hand, and since when the one is due that is due longest
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '(0', now, 'WITHSCORES', 'LIMIT', 0, 1)
return {redis.call('ZCARD', KEYS[1]), redis.call('ZCARD', KEYS[2]), due[2] or '0'}
"""
)
COUNT = """
-- KEYS: current run. ARGV: prefix, field, number. Counts for the current run; does nothing if it has ended or expired.
local run = redis.call('GET', KEYS[1])
if not run then return 0 end
local fields = redis.call('HMGET', ARGV[1] .. 'run:' .. run, 'kind', 'ended_at')
if not fields[1] or fields[2] then return 0 end
return redis.call('HINCRBY', ARGV[1] .. 'run:' .. run, ARGV[2], ARGV[3])
"""
FORGET_ENDED = """
-- KEYS: invoices since when, waiting, hand. ARGV: at most. A worker of an older version ends work without taking it from the first.
for _, key in ipairs(redis.call('ZRANGE', KEYS[1], 0, ARGV[1] - 1)) do
  if not redis.call('ZSCORE', KEYS[2], key) and not redis.call('ZSCORE', KEYS[3], key) then redis.call('ZREM', KEYS[1], key) end
end
return 1
"""
