-- Records that a process is running, and removes processes that it replaces or that have been silent for too long.
--
-- KEYS[1]  presence     hash of process -> JSON: until_, seen (unix seconds), off (seconds), queues, threads, settings
-- ARGV[1]  process      unique, such as `items@host (17)`
-- ARGV[2]  queues       JSON
-- ARGV[3]  off          seconds that its clock is ahead of this server's
-- ARGV[4]  counts for   seconds until it counts as not running
-- ARGV[5]  threads      how many tasks it works on at once
-- ARGV[6]  name         of the process without its process id
-- ARGV[7]  silent kept  seconds for which a process that has fallen silent is kept
-- ARGV[8]  settings     digests of its settings, JSON
--
-- Returns 1.

--- @include "includes/now_seconds"

local presence = KEYS[1]
local process, its_queues, its_offset, counts_for = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local its_threads, its_name, silent_kept, its_settings = ARGV[5], ARGV[6], ARGV[7], ARGV[8]

local kept = redis.call('HGETALL', presence)
for i = 1, #kept, 2 do
  -- It replaces a process of the same name that has stopped.
  local gone = now - cjson.decode(kept[i + 1]).until_
  local replaced = string.sub(kept[i], 1, #its_name + 2) == its_name .. ' ('
  if gone > 0 and (replaced or gone > tonumber(silent_kept)) then redis.call('HDEL', presence, kept[i]) end
end
local entry = {
  until_ = now + tonumber(counts_for), queues = its_queues, off = tonumber(its_offset), threads = its_threads, seen = now,
  settings = its_settings
}
redis.call('HSET', presence, process, cjson.encode(entry))
return 1
