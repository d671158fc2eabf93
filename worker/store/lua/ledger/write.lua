-- Writes the record of one code or invoice, and with it the journal, the index of unfinished records, the totals, problems and findings.
-- Refuses to replace a record that is in NetSuite by one that is not, or one of a later holder of the lock by one of an earlier holder.
--
-- KEYS[1]   records       hash of code or invoice id -> JSON
-- KEYS[2]   problems      hash of problem key -> JSON
-- KEYS[3]   projects      set of the projects that have records
-- KEYS[4]   lock          of the code or invoice; for an intent, and to release it
-- KEYS[5]   journal       list of lines
-- KEYS[6]   current run   id of the run that may wait for it
-- KEYS[7]   series        hash with the state of its series
-- ARGV[1]   field         code or invoice id
-- ARGV[2]   record        JSON
-- ARGV[3]   fence         of the lock under which the record is written
-- ARGV[4]   is done       '1' = it is in NetSuite, '0' = it is not
-- ARGV[5]   key           of the code or invoice
-- ARGV[6]   problem       JSON = opens this problem, 'ended' = closes an open one, '' = leaves it open
-- ARGV[7]   project       id
-- ARGV[8]   token         by which the caller holds the lock, '' = the lock is not checked. An intent is refused without the lock; a record
--                         that is done releases it
-- ARGV[9]   event         for the journal, '' for none
-- ARGV[10]  again         of the event (whole unix seconds), 0 for never
-- ARGV[11]  requester     '' = the trigger of the run that waits for it
-- ARGV[12]  prefix        of all keys
-- ARGV[13]  run key       under which a run may wait for it
-- ARGV[14]  run key       another one
--
-- Returns {1, field, value, ...} = written, with the state of its series if the record was just created; {0} = refused; {-1} = refused
-- because its series is stopped.

--- @include "includes/open_problem"
--- @include "includes/missing_finding"
--- @include "includes/has_adopted"
--- @include "includes/append_to_journal"
--- @include "includes/first_seen"
--- @include "includes/index_unfinished"

local records, problems, projects, lock, journal, current_run, series = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local field, new_record, fence, is_done, key, problem, project = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7]
local token, event, again, requester, prefix = ARGV[8], ARGV[9], ARGV[10], ARGV[11], ARGV[12]

-- An intent is written only while the caller holds the lock: the next holder then reads the intent.
if token ~= '' and is_done == '0' then
  if redis.call('GET', lock) ~= token then return {0} end
  -- One record of a refused series tries whether NetSuite accepts it again.
  if redis.call('HEXISTS', series, 'stopped') == 1 and redis.call('HGET', series, 'trial') ~= key then return {-1} end
end
local old = redis.call('HGET', records, field)
local stored = old and cjson.decode(old)
if stored and is_done == '0' then
  if stored.state == 'created' or stored.state == 'adopted' then return {0} end
  if (stored.fence or 0) > tonumber(fence) then return {0} end
end
local record = cjson.decode(new_record)
-- An Item is never adopted for two codes.
if record.state == 'adopted' and record.remote_id and string.match(key, '^code:') then
  local holder = redis.call('HGET', prefix .. 'adopted', record.remote_id)
  if holder and holder ~= key and has_adopted(prefix, holder, record.remote_id) then return {0} end
  redis.call('HSET', prefix .. 'adopted', record.remote_id, key)
end
local seen, by = stored and stored.seen, stored and stored.by
if not stored then
  seen = redis.call('TIME')[1]
  by = requester ~= '' and requester or trigger_of(current_run, prefix, ARGV[13], ARGV[14])
end
redis.call('HSET', records, field, with_first_seen(new_record, seen, by))
redis.call('SADD', projects, project)
append_to_journal(journal, event, again)
index_unfinished(prefix, key, stored, record, seen)
if is_done == '1' and not (stored and (stored.state == 'created' or stored.state == 'adopted')) then
  redis.call('HINCRBY', prefix .. 'totals', string.match(key, '^%a+') .. ':' .. record.state, 1)
end
-- Only an end closes a problem: it stays open while its work is in progress.
if problem == 'ended' then close_problem(problems, key)
elseif problem ~= '' then open_problem(problems, key, problem) end
-- The Item or bill exists, or a problem says why not: the finding that it is missing is resolved.
if problem ~= '' then
  close_problem(problems, missing_finding(key))
  -- The problem replaces the finding of the same kind.
  if record.cause then close_problem(problems, 'verify:' .. record.cause .. ':' .. key) end
end
-- The next holder of the lock finds the record done.
if token ~= '' and is_done == '1' and redis.call('GET', lock) == token then redis.call('DEL', lock) end
if record.state ~= 'created' then return {1} end
return {1, unpack(redis.call('HGETALL', series))}
