--[[ media_claim: take files that are due to be fetched; who takes one has it for a time, then it is due again.

KEYS  1 {desk}media (zset)
ARGV  1 now (ms)  2 how many  3 lease (ms)
RETURNS "C:ref" of each
--]]
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, tonumber(ARGV[2]))
for _, member in ipairs(due) do redis.call('ZADD', KEYS[1], tonumber(ARGV[1]) + tonumber(ARGV[3]), member) end
return due
