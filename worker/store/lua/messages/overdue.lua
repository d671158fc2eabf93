-- Lists messages that their workers have not acknowledged within the timeout.
--
-- KEYS[1]  unacked index  sorted set of tags, scored by when each message was taken (whole unix seconds)
-- ARGV[1]  timeout        seconds after which a message is delivered again
-- ARGV[2]  limit          how many are listed at most
--
-- Returns tags, oldest first.

local unacked_index, timeout, limit = KEYS[1], ARGV[1], ARGV[2]

return redis.call('ZRANGEBYSCORE', unacked_index, '-inf', redis.call('TIME')[1] - timeout, 'LIMIT', 0, limit)
