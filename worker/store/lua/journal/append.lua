-- Adds an event to a journal; if its last line has the same event, only counts it there.
--
-- KEYS[1]  journal  list of lines
-- ARGV[1]  event    JSON without its brackets
-- ARGV[2]  again    when the work is tried again (whole unix seconds), 0 for never
--
-- Returns 1.

--- @include "includes/append_to_journal"

append_to_journal(KEYS[1], ARGV[1], ARGV[2])
return 1
