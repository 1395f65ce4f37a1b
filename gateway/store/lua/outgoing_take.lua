#!lua flags=allow-oom
--[[ outgoing_take: lease up to n jobs: at most half of them tries that fell due again, then fresh ones, then more tries.

One step, because two processes may take at once. A taken job stands in r at the end of its lease: if nobody says what became of
it, it is due again by itself. Run twice for a lost answer, the first batch comes after that lease. Half and half, so that the
backlog of one dead target does not keep fresh news from the others. A score below zero is a dead job and never taken.

KEYS  1 {out}q (stream)  2 {out}r (zset)
ARGV  1 now (ms)  2 end of the lease (ms)  3 n
RETURNS names of jobs
--]]
local n = tonumber(ARGV[3])
local taken = {}
local function again(count)
  for _, name in ipairs(redis.call('ZRANGE', KEYS[2], '(0', ARGV[1], 'BYSCORE', 'LIMIT', 0, count)) do
    redis.call('ZADD', KEYS[2], ARGV[2], name)
    taken[#taken + 1] = name
  end
end
again(math.ceil(n / 2))
for _, entry in ipairs(redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', n - #taken)) do
  redis.call('XDEL', KEYS[1], entry[1])
  redis.call('ZADD', KEYS[2], ARGV[2], entry[2][2])
  taken[#taken + 1] = entry[2][2]
end
if #taken < n then again(n - #taken) end
return taken
