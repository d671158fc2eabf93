-- Queues work in its lane. Work in progress is not changed; a request for it repeats it after the attempt in progress.
--
-- KEYS[1]     waiting      sorted set of work, scored by when it is due (unix seconds, 0 = before all else)
-- KEYS[2]     dispatched   sorted set of work in progress, scored by when its dispatch or claim ends (unix seconds)
-- KEYS[3]     again        set of work that is repeated after its attempt
-- KEYS[4]     deaths       hash of work -> workers that died with it
-- KEYS[5]     failures     hash of work -> failed attempts
-- KEYS[6]     asked        hash of work -> correlation id
-- KEYS[7]     current run  id of the run that may wait for it
-- ARGV[1]     how          'add', 'request', or 'retry' = a request that also clears deaths and failures
-- ARGV[2]     at           when the work is due (unix seconds)
-- ARGV[3]     correlation  id of the request, '' for none
-- ARGV[4]     prefix       of all keys
-- ARGV[5...]  keys         of the work
--
-- Returns 1.

--- @include "includes/now_seconds"
--- @include "includes/origin"
--- @include "includes/invoice_age"

local waiting, dispatched, again, deaths, failures, asked, current_run = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local how, at, correlation_id, prefix = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

for i = 5, #ARGV do
  local key = ARGV[i]
  note_origin(asked, current_run, prefix, key, correlation_id)
  invoice_begins(prefix, key)
  if how == 'retry' then
    redis.call('HDEL', deaths, key)
    redis.call('HDEL', failures, key)
  end
  if not redis.call('ZSCORE', dispatched, key) then redis.call('ZADD', waiting, 'LT', at, key)
  -- The attempt in progress may not see what is requested now. An attempt that is yet to begin clears the note.
  elseif how ~= 'add' then redis.call('SADD', again, key) end
end
return 1
