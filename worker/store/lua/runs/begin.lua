-- Begins a run with its first keys, or adds them to the open run of the same kind.
--
-- KEYS[1]     current run  id of the current run of this kind
-- KEYS[2]     runs         sorted set of run ids, scored by when they began (unix seconds)
-- ARGV[1]     fresh id     of a new run
-- ARGV[2]     kind         of the run
-- ARGV[3]     trigger      what requested it
-- ARGV[4]     prefix       of all keys
-- ARGV[5]     kept         seconds for which a run is kept
-- ARGV[6]     correlation  id of the request, '' for none
-- ARGV[7...]  keys         of the first work
--
-- Returns {run id, 1 = joined or 0 = begun}.

--- @include "includes/now_seconds"

local current_run, runs = KEYS[1], KEYS[2]
local fresh_id, kind, trigger, kept, correlation_id = ARGV[1], ARGV[2], ARGV[3], ARGV[5], ARGV[6]

local joined, prefix = 1, ARGV[4]
local run = redis.call('GET', current_run)
local known = run and redis.call('HGET', prefix .. 'run:' .. run, 'kind')
-- A run that has expired in part is deleted.
if run and not known then redis.call('DEL', prefix .. 'run:' .. run, prefix .. 'run:' .. run .. ':open') end
if not known or redis.call('HGET', prefix .. 'run:' .. run, 'ended_at') then
  joined = 0
  run = fresh_id
  redis.call('SET', current_run, run)
  local sent = redis.call('HMGET', prefix .. 'sent', 'procore:' .. kind, 'netsuite:' .. kind)
  redis.call('HSET', prefix .. 'run:' .. run, 'kind', kind, 'trigger', trigger, 'started_at', now,
    'procore_from', sent[1] or 0, 'netsuite_from', sent[2] or 0)
  if correlation_id ~= '' then redis.call('HSET', prefix .. 'run:' .. run, 'correlation_id', correlation_id) end
  redis.call('ZREMRANGEBYSCORE', runs, '-inf', now - tonumber(kept))
  redis.call('ZADD', runs, now, run)
end
local open = prefix .. 'run:' .. run .. ':open'
for i = 7, #ARGV do
  local whole = ARGV[i]:sub(-4) == ':all'
  -- A run over everything has this key already, or has finished it. A run over some projects becomes one over everything.
  if not whole or redis.call('HSETNX', prefix .. 'run:' .. run, 'whole', 1) == 1 then redis.call('SADD', open, ARGV[i]) end
end
redis.call('EXPIRE', prefix .. 'run:' .. run, kept)
redis.call('EXPIRE', open, kept)
return {run, joined}
