-- Removes invoices that are in no lane from the sorted set of unfinished invoices, oldest first: a worker of an older version leaves them there
-- when it ends their work.
--
-- KEYS[1]  since       sorted set of invoices, scored by when they became work (unix seconds)
-- KEYS[2]  waiting     sorted set of work, scored by when it is due (unix seconds, 0 = before all else)
-- KEYS[3]  dispatched  sorted set of work in progress, scored by when its dispatch or claim ends (unix seconds)
-- ARGV[1]  at most     how many are checked
--
-- Returns 1.

local since, waiting, dispatched, at_most = KEYS[1], KEYS[2], KEYS[3], ARGV[1]

for _, key in ipairs(redis.call('ZRANGE', since, 0, at_most - 1)) do
  if not redis.call('ZSCORE', waiting, key) and not redis.call('ZSCORE', dispatched, key) then redis.call('ZREM', since, key) end
end
return 1
