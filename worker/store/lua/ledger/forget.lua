-- Clears the record of a code or invoice that is recorded as done, under its lock. The journal is kept.
--
-- KEYS[1]  records   hash of code or invoice id -> JSON
-- KEYS[2]  lock      of the code or invoice
-- KEYS[3]  journal   list of lines
-- KEYS[4]  adopted   hash of Item id -> key of the code that has adopted it
-- ARGV[1]  field     code or invoice id
-- ARGV[2]  token     by which the caller holds the lock
-- ARGV[3]  remote id internal id that the record must have
-- ARGV[4]  event     for the journal
-- ARGV[5]  again     of the event (whole unix seconds), 0 for never
-- ARGV[6]  key       of the code or invoice
--
-- Returns 1 when it was cleared; 0 when the lock is lost or the record has changed.

--- @include "includes/append_to_journal"

local records, lock, journal, adopted = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local field, token, expected_id, event, again, own_key = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]

local old = redis.call('HGET', records, field)
local stored = old and cjson.decode(old)
if redis.call('GET', lock) ~= token or not stored then return 0 end
if not (stored.state == 'created' or stored.state == 'adopted') or stored.remote_id ~= expected_id then return 0 end
redis.call('HDEL', records, field)
if redis.call('HGET', adopted, expected_id) == own_key then redis.call('HDEL', adopted, expected_id) end
append_to_journal(journal, event, again)
return 1
