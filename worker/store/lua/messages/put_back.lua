-- Puts unacknowledged messages back into their queues. A tag without an entry was acknowledged or put back already.
--
-- KEYS[1]     unacked index  sorted set of tags, scored by when each message was taken (whole unix seconds)
-- KEYS[2]     unacked        hash of tag -> JSON of message, exchange and queue
-- ARGV[1]     prefix         of all keys
-- ARGV[2]     command        'LPUSH' = last in turn, 'RPUSH' = next in turn
-- ARGV[3...]  tags           of the messages
--
-- Returns nothing.

local unacked_index, unacked, prefix, command = KEYS[1], KEYS[2], ARGV[1], ARGV[2]

for i = 3, #ARGV do
  local entry = redis.call('HGET', unacked, ARGV[i])
  local message, name = string.match(entry or '', '^%[(.*), "[^"]*", "([^"]*)"%]$')
  if message then redis.call(command, prefix .. name, message) end
  redis.call('HDEL', unacked, ARGV[i])
  redis.call('ZREM', unacked_index, ARGV[i])
end
