--[[ desk_unpark: places whose conversations are not parked are free; or one that was asked for may be looked at.

Each by the time that it had: who asked for it again since keeps it.

KEYS  1 {desk}parked:G (zset: V -> ms)
ARGV  1 '1' take out, '0' let it be looked at  2.. V, ms
RETURNS how many
--]]
local done = 0
for k = 2, #ARGV, 2 do
  local held = redis.call('ZSCORE', KEYS[1], ARGV[k])
  if held and tonumber(held) == tonumber(ARGV[k + 1]) then
    done = done + 1
    if ARGV[1] == '1' then redis.call('ZREM', KEYS[1], ARGV[k]) else redis.call('ZADD', KEYS[1], 0, ARGV[k]) end
  end
end
return done
