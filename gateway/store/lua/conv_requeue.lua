--[[ conv_requeue: an agent does not have a conversation any more, by no doing of theirs: not opened, not here, no slot in time.

One step with the epoch and what was the reason for it: whoever opens, answers or comes back in that moment keeps it. With its
age; the agent may be left out for a while.

KEYS  1 cv:V  2 facts  3 vd  4 vo
ARGV  1 offset (ms)  2 V  3 epoch seen  4 not_opened (assigned), unreachable (the contact waits), not_back (wants its agent back)
      5 leave the agent out for (ms; 0 not)  6 why it goes first ('' not)  7 by how much (s)  8 queue ('' its own)
RETURNS 1 it is in its queue | 0 it stood otherwise
--]]
-- include base
-- include conv
local conv = conv_read(KEYS[1])
if not conv or conv.o == '' or conv.ep ~= ARGV[3] then return 0 end
local why = ARGV[4]
if why == 'not_opened' and conv.st ~= 'assigned' then return 0 end
if why == 'unreachable' and (conv.w == '' or conv.st == 'wrapup') then return 0 end
if why == 'not_back' and ((conv.rt or '') == '' or LIVE[conv.st]) then return 0 end
local now = now_of(KEYS[2], tonumber(ARGV[1]))
local agent, stood, changes = conv.o, conv.q, {}
to_queue(conv, changes, now)
if tonumber(ARGV[5]) > 0 then changes['x:' .. agent] = text(now + tonumber(ARGV[5])) end
if ARGV[8] ~= '' then changes.q = ARGV[8] end
boosted(conv, changes, ARGV[6], ARGV[7])
conv_write(KEYS[1], KEYS[3], KEYS[4], ARGV[2], conv, changes)
fact(KEYS[2], now, 'requeued', ARGV[2] .. ' ' .. conv.c, 'agent=' .. agent .. ' why=' .. why .. stands(conv, stood))
return 1
