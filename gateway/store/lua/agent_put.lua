--[[ agent_put: an agent's record, if nobody changed it since it was read.

One step, because two people may change one agent at once: a right that the one takes away must not come back with the other's
change of a language.

KEYS  1 agents (hash)
ARGV  1 agent  2 the sealed record as it was read  3 the sealed record as it shall be
RETURNS 1 written, 0 another one is there now
--]]
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
