-- same_problem(one, other): whether two decoded problems have the same cause and facts. How often something was tried does not count.

local function covers(facts, others)
  for name, value in pairs(facts) do
    if name ~= 'attempts' and name ~= 'times' and others[name] ~= value then return false end
  end
  return true
end
local function same_problem(one, other)
  return one.cause == other.cause and covers(one.facts, other.facts) and covers(other.facts, one.facts)
end
