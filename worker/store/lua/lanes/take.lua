-- Moves due work from waiting to in progress.
--
-- KEYS[1]  waiting      sorted set of work, scored by when it is due (unix seconds, 0 = before all else)
-- KEYS[2]  dispatched   sorted set of work in progress, scored by when its dispatch or claim ends (unix seconds)
-- KEYS[3]  deaths       hash of work -> workers that died with it
-- KEYS[4]  current run  id of the run that may wait for it
-- KEYS[5]  asked        hash of work -> correlation id
-- KEYS[6]  begun        hash of work -> claim
-- KEYS[7]  failures     hash of work -> failed attempts
-- KEYS[8]  again        set of work that is repeated after its attempt
-- KEYS[9]  unbegun      hash of work -> messages that no worker has begun
-- ARGV[1]  limit        how much may be in progress
-- ARGV[2]  at most      how much is taken
-- ARGV[3]  dispatch     seconds of a first dispatch
-- ARGV[4]  longest      seconds of the longest dispatch
-- ARGV[5]  lease        seconds of a claim
-- ARGV[6]  prefix       of all keys
-- ARGV[7]  claim        of the caller; '' = messages are sent for the work
--
-- Returns {key, deaths, correlation id ('' = not known), ledger id ('' = no ledger, or no claim), key, ...}.

--- @include "includes/take_due"

return take_due(unpack(ARGV))
