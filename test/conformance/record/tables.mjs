// tables.mjs - what the generator chooses from. Lines are 'WEIGHT text'; in a text
//
//     $   is the stream's name
//     #   a size in bytes, 0 included
//     %   a number from 1 to 9; where chunks are large, one like them
//     @   a moment: now, tick or later
//     !   nothing, or an error's name

export const SIZES = [0, 1, 1, 2, 2, 3, 4, 5, 6, 8, 9, 11, 15, 16, 24, 40];
export const LARGE_SIZES = [512, 8192, 16383, 16384, 16385, 32768, 65535, 65536, 65537, 100000];
export const MARKS = [0, 1, 2, 3, 4, 6, 8, 8, 12, 16, 16, 24, 32];
export const MOMENTS = ['now', 'now', 'tick', 'later', 'later'];
export const ERRORS = ['', '', ' E_ONE', ' E_TWO'];

// --- options, each drawn on its own: 'PERCENT option'

export const ANY_OPTIONS = ['12 autodestroy=0', '8 emitclose=0', '14 object=1'];
export const SINK_OPTIONS = ['30 writev=1'];
export const DUPLEX_OPTIONS = ['30 halfopen=0'];

// --- what methods do

export const READ_ITEMS = ['8 @:p#', '3 @:p#,p#', '1 @:p#,p#,p#', '1 @:p0', '1 -', '2 now:p#'];
export const READ_LAST = ['9 @:eof', '4 @:p#,eof', '1 @:destroy', '1 @:destroye', '2 -', '1 @:p#,destroy'];
export const WRITE_ITEMS = ['30 @:cb', '1 @:cbe', '1 @:destroy,cb', '1 @:destroye,cb'];
export const TRANSFORM_ITEMS = [
  '6 @:x,cb', '5 @:cbx', '2 @:cb', '2 @:cb#', '2 @:p#,cb', '2 @:x,x,cb', '1 @:x,p#,cb', '1 @:cbe', '1 @:x,cbx',
];
export const FLUSH_ITEMS = ['4 @:cb', '3 @:cb#', '3 @:p#,cb', '2 @:p#,p#,cb', '1 @:cbe', '1 @:p#,cb#'];
export const ANSWER_ITEMS = ['8 @:cb', '1 @:cbe'];

// Streams that flow for long and are seldom late.
export const STEADY_READ_ITEMS = ['20 now:p#', '4 now:p#,p#', '1 tick:p#', '2 later:p#'];
export const STEADY_WRITE_ITEMS = ['6 now:cb', '4 later:cb', '2 tick:cb', '1 now:w#,cb'];
export const LATE_WRITE_ITEMS = ['9 later:cb', '2 tick:cb', '2 now:cb'];
export const NESTED_WRITE_ITEMS = ['4 now:cb', '4 later:cb', '2 now:cb,w#,cb', '2 now:cb,w#', '1 now:w#,cb', '2 -'];
export const STEADY_TRANSFORM_ITEMS = ['6 now:x,cb', '5 now:cbx', '2 now:cb#', '2 now:x,p3,cb', '1 later:x,cb', '1 later:cbx', '1 tick:x,cb'];

// Of those that drop: no more chunks go out than come in.
export const KEEPING_ITEMS = ['5 now:x,cb', '5 now:cbx', '1 now:cb#', '1 later:x,cb', '1 later:cbx', '1 tick:x,cb'];
export const DROPPING_ITEMS = ['3 now:cb', '1 tick:cb', '1 later:cb'];

// Methods that do what they should not.
export const ODD_READ_LAST = [
  '2 @:eof,eof', '2 @:eof,p#', '2 @:destroy,eof', '2 @:destroye,p#', '1 @:p#,eof,p#', '2 @:p#,eof,destroye', '1 @:eof,p0',
];
export const ODD_WRITE_ITEMS = [
  '3 @:cb', '2 @:cb,cb', '2 @:cbe,cb', '2 @:cb,cbe', '2 @:destroy', '2 @:destroye', '2 @:cb,destroye', '1 -', '2 @:cb,w#,cb',
];
export const ODD_TRANSFORM_ITEMS = [
  '3 @:x,cb', '2 @:cb,cb', '2 @:cbx,cbx', '2 @:x,eof,cb', '2 @:eof,cb', '2 @:cb,x', '2 @:destroy,x,cb', '2 @:x,destroye,cb',
  '2 @:cbe,cb', '2 @:x,cbe', '1 -', '1 @:eof,x,cb', '1 @:cbx,cbe', '1 @:x', '1 @:x,destroy,cbx',
];
export const ODD_FLUSH_ITEMS = [
  '3 @:cb', '2 @:cb,cb', '2 @:eof,cb', '2 @:destroy,cb', '2 @:destroye', '2 @:cb,p#', '2 @:cb#,cb#', '1 -', '1 @:p#,eof,cb',
];
export const ODD_ANSWER_ITEMS = [
  '3 @:cb', '2 @:cb,cb', '2 @:cbe', '2 @:cb,cbe', '2 @:cbe,cb', '2 @:destroy,cb', '2 @:destroye,cb', '2 @:cb,destroye', '1 -',
];

// --- ops

export const READING = [
  '4 listen $ data', '4 listen $ readable', '4 resume $', '3 pause $', '3 read $', '3 read $ %', '1 read $ 0', '1 read $ #',
  '2 readall $', '1 readall $ %', '2 unshift $ #', '1 unlisten $ data', '2 unlisten $ readable',
];
export const PUSHING = ['8 push $ #', '2 push $ eof', '1 push $ 0'];
export const WRITING = ['9 write $ #', '1 write $ 0', '2 cork $', '2 uncork $', '2 end $', '2 end $ #'];
export const SHARING = ['5 write $ # same', '4 write $ # nocb', '2 write $ #', '2 cork $', '3 uncork $', '1 end $'];
export const TEXTS = ['3 setenc $ hex', '5 setenc $ base64', '1 setenc $ base64url'];
export const BURSTS = [...SHARING, '5 write $ % nocb', '3 write $ %'];
export const ENDING = ['1 destroy $!'];
export const WATCHING = ['4 finished $', '1 finished $ readable=0', '1 finished $ writable=0', '1 finished $ error=0'];

// --- events that a hook may hang on

export const READABLE_EVENTS = ['3 data', '3 readable', '2 end', '2 pause', '2 resume', '1 close', '1 error'];
export const WRITABLE_EVENTS = ['4 drain', '2 finish', '1 close', '1 error', '1 pipe', '1 unpipe'];
export const LAST_EVENTS = ['1 close', '1 error'];

// --- other occasions for a hook

// The methods that a user may implement, and those of them that are called often and are always there.
export const METHODS = {
  readable: ['read'],
  writable: ['write', 'final', 'destroy', 'construct'],
  duplex: ['read', 'write', 'final', 'destroy', 'construct'],
  transform: ['transform', 'flush', 'final', 'destroy', 'construct'],
};
export const OFTEN = ['read', 'write', 'transform'];
export const PLACES = ['13 in', '7 after'];
export const CALLBACKS = ['6 cb-write', '1 cb-end'];
