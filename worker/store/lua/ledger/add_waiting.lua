-- Records codes of one project that need an Item. The record of a code that has one, or whose write is in doubt, is not changed.
--
-- KEYS[1]     records          hash of code id -> JSON
-- KEYS[2]     projects         set of the projects that have records
-- KEYS[3]     current run      id of the run that may wait for the project's scan
-- ARGV[1]     project          id
-- ARGV[2]     scan             the work under which a run may wait
-- ARGV[3]     requester        '' = the trigger of the run that waits for the scan
-- ARGV[4]     prefix           of all keys
-- ARGV[5]     journal stem     beginning of the journal of each code, before its id
-- ARGV[6...]  fields, records  code id and JSON, alternating
--
-- Returns the ids of the codes that were recorded.

--- @include "includes/append_to_journal"
--- @include "includes/first_seen"
--- @include "includes/index_unfinished"

local records, projects, current_run = KEYS[1], KEYS[2], KEYS[3]
local project, scan, requester, prefix, journal_stem = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]

local added, now = {}, redis.call('TIME')[1]
local by = requester ~= '' and requester or trigger_of(current_run, prefix, scan)
for i = 6, #ARGV, 2 do
  local old = redis.call('HGET', records, ARGV[i])
  local stored = old and cjson.decode(old) or {seen = now, by = by}
  local state = stored.state
  if not (state == 'created' or state == 'adopted' or state == 'intent' or state == 'unknown') then
    redis.call('HSET', records, ARGV[i], with_first_seen(ARGV[i + 1], stored.seen, stored.by))
    index_unfinished(prefix, 'code:' .. project .. ':' .. ARGV[i], stored, cjson.decode(ARGV[i + 1]), stored.seen)
    if state == 'blocked' then append_to_journal(journal_stem .. ARGV[i], '"planned",' .. cjson.encode({by = by}), 0) end
    added[#added + 1] = ARGV[i]
  end
end
redis.call('SADD', projects, project)
return added
