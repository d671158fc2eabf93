-- Ends an attempt and postpones its work, or makes it due at once if it was requested meanwhile. With a field, its run counts that and does not
-- wait for the work. One script, so that a run never counts work that is still in progress.
--
-- KEYS[1]  waiting      sorted set of work, scored by when it is due (unix seconds, 0 = before all else)
-- KEYS[2]  dispatched   sorted set of work in progress, scored by when its dispatch or claim ends (unix seconds)
-- KEYS[3]  deaths       hash of work -> workers that died with it
-- KEYS[4]  current run  id of the run that may wait for it
-- KEYS[5]  asked        hash of work -> correlation id
-- KEYS[6]  begun        hash of work -> claim
-- KEYS[7]  again        set of work that is repeated after its attempt
-- ARGV[1]  key          of the work
-- ARGV[2]  field        what its run counts, '' = the run keeps waiting
-- ARGV[3]  prefix       of all keys
-- ARGV[4]  at           when the work is due (unix seconds)
-- ARGV[5]  correlation  id of the request, '' for none
-- ARGV[6]  claim        of the caller, '' for none
--
-- Returns 1, or 0 when another claim has begun the work.

--- @include "includes/now_seconds"
--- @include "includes/settle_in_run"
--- @include "includes/origin"
--- @include "includes/holder_of"
--- @include "includes/invoice_age"

local waiting, dispatched, deaths, current_run, asked, begun, repeated = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local field, prefix, correlation_id, claim = ARGV[2], ARGV[3], ARGV[5], ARGV[6]

local key, at = ARGV[1], ARGV[4]
local by = holder_of(dispatched, begun, key)
if by ~= '' and by ~= claim then return 0 end
-- A full server accepts this first write, and with it all others of the script: a claim is released even then.
redis.call('ZREM', dispatched, key)
note_origin(asked, current_run, prefix, key, correlation_id)
invoice_begins(prefix, key)
redis.call('HDEL', deaths, key)
redis.call('HDEL', begun, key)
local again = redis.call('SISMEMBER', repeated, key) == 1
if again then at = 0 end
redis.call('ZADD', waiting, at, key)
if field ~= '' and not again then settle_in_run(current_run, prefix, key, field) end
return 1
