-- Takes the next message of some queues and records it as unacknowledged, in kombu's format. If Redis refuses any step, the message is still
-- in its queue.
--
-- KEYS[1]     unacked index  sorted set of tags, scored by when each message was taken (whole unix seconds)
-- KEYS[2]     unacked        hash of tag -> JSON of message, exchange and queue
-- KEYS[3...]  queues         lists of messages, in the order of their turn
-- ARGV[1]     tag            for the message
-- ARGV[2...]  names          of the queues, in the same order
--
-- Returns {queue name, message}, or nothing when all queues are empty.

local unacked_index, unacked, tag = KEYS[1], KEYS[2], ARGV[1]

for i = 3, #KEYS do
  local message = redis.call('LINDEX', KEYS[i], -1)
  if message then
    local name = ARGV[i - 1]
    redis.call('ZADD', unacked_index, redis.call('TIME')[1], tag)
    local step = redis.pcall('HSET', unacked, tag, '[' .. message .. ', "", "' .. name .. '"]')
    if type(step) ~= 'table' then step = redis.pcall('RPOP', KEYS[i]) end
    if type(step) ~= 'table' then return {name, message} end
    redis.pcall('ZREM', unacked_index, tag)
    redis.pcall('HDEL', unacked, tag)
    return step
  end
end
