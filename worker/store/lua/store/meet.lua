-- Gives this store an id if it has none, and records a loss if it is not the store that the caller knows.
--
-- KEYS[1]  store   hash with the id of this store
-- KEYS[2]  ledger  hash with the ledger's state
-- ARGV[1]  known   id of the store that the caller knows, '' for none
-- ARGV[2]  fresh   a part of an id that no other call has
--
-- Returns the id of this store.

--- @include "includes/meet_store"

return meet_store(KEYS[1], KEYS[2], ARGV[1], ARGV[2])
