-- Removes a message that a worker has acknowledged or dropped. A second call changes nothing.
--
-- KEYS[1]  unacked index  sorted set of tags, scored by when each message was taken (whole unix seconds)
-- KEYS[2]  unacked        hash of tag -> JSON of message, exchange and queue
-- ARGV[1]  tag            of the message
--
-- Returns nothing.

local unacked_index, unacked, tag = KEYS[1], KEYS[2], ARGV[1]

redis.call('ZREM', unacked_index, tag)
redis.call('HDEL', unacked, tag)
