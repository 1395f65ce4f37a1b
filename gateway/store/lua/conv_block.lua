--[[ conv_block: what an address writes is kept and put into no queue, until a time; or no more so. Words that cannot
wait are still heard.

KEYS  1 bk:A (string)  2 facts
ARGV  1 offset (ms)  2 A  3 agent  4 for how long (ms; 0 no more)  5 V
RETURNS 1
--]]
-- include base
local now = now_of(KEYS[2], tonumber(ARGV[1]))
if ARGV[4] == '0' then redis.call('DEL', KEYS[1]) else redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[4]) end
local kind = ARGV[4] == '0' and 'unblocked' or 'blocked'
fact(KEYS[2], now, kind, ARGV[5] .. ' ' .. ARGV[2], 'agent=' .. ARGV[3] .. ' ms=' .. ARGV[4])
return 1
