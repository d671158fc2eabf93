-- Writes a key that lives for a second, to find out whether the server accepts writes from scripts.
--
-- KEYS[1]  probe  a key for this purpose alone
--
-- Returns OK.

return redis.call('SET', KEYS[1], '1', 'PX', 1000)
