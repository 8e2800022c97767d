// SPDX-License-Identifier: GPL-2.0

//! The border to C (foreign function interface): the helper's registration, and a packet of a
//! connection.
//!
//! C header: `helpers.h`. Every `unsafe` block of the module is in this file.

use crate::counters::{
    Counter,
    GENERAL, //
};
use crate::tls_parser::{
    self,
    Connection,
    Direction,
    Opening,
    Options,
    Policy,
    Reason,
    Reasons,
    Segment, //
};
use core::{
    marker::PhantomData,
    mem::MaybeUninit,
    ops::{
        ControlFlow,
        Deref,
        DerefMut, //
    },
    ptr::NonNull,
    slice, //
};
use kernel::{
    error::to_result,
    ffi::{
        c_int,
        c_uint, //
    },
    prelude::*, //
};

/// What bindgen makes of `helpers.h`.
#[allow(dead_code, missing_docs, non_camel_case_types, unreachable_pub)]
#[allow(clippy::all)]
mod bindings {
    include!(env!("NF_CT_TLS_GENERATED"));
}

// The connection's state fits where conntrack keeps it; `helpers/attach.c` asserts the same of
// conntrack.
const _: () = assert!(size_of::<Connection>() <= bindings::NF_CT_TLS_STATE_SIZE as usize);
const _: () = assert!(align_of::<Connection>() <= bindings::NF_CT_TLS_STATE_ALIGN as usize);

/// The bytes that conntrack keeps for the helper.
#[repr(C, align(8))]
#[derive(Clone, Copy)]
union State {
    connection: Connection,
    /// As C sees them.
    _bytes: [u8; bindings::NF_CT_TLS_STATE_SIZE as usize],
}

// The functions that C calls are what `helpers.h` tells C that they are.
const _: [unsafe extern "C" fn(
    *mut bindings::sk_buff,
    c_uint,
    *mut bindings::nf_conn,
    c_uint,
    c_uint,
) -> c_int; 2] = [nf_ct_tls_help, bindings::nf_ct_tls_help];
const _: [unsafe extern "C" fn(c_uint, *mut c_uint) -> *const u8; 4] = [
    nf_ct_tls_counter_name,
    bindings::nf_ct_tls_counter_name,
    nf_ct_tls_reason_name,
    bindings::nf_ct_tls_reason_name,
];

// There is a counter for each of them.
const _: () = assert!(GENERAL.len() + Reason::ALL.len() <= bindings::NF_CT_TLS_COUNTERS as usize);

/// The helpers, registered with conntrack.
///
/// # Invariants
///
/// The helpers are registered.
struct Registration(());

impl Registration {
    /// Registers them.
    fn new() -> Result<Self> {
        // SAFETY: Called from the module's init, which may sleep.
        to_result(unsafe { bindings::nf_ct_tls_register() })?;
        // INVARIANT: The helpers are registered.
        Ok(Registration(()))
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        // SAFETY: By the type invariants it is registered; the module's exit may sleep.
        unsafe { bindings::nf_ct_tls_unregister() };
    }
}

/// The hooks that give the helper to new connections to our ports.
///
/// # Invariants
///
/// The hooks are in force, and the helper is registered.
struct Attachment(());

impl Attachment {
    /// Hooks in; `_helper` is what new connections get.
    fn new(_helper: &Registration) -> Result<Self> {
        // SAFETY: Called from the module's init, which may sleep; the helper is registered.
        to_result(unsafe { bindings::nf_ct_tls_hooks_init() })?;
        // INVARIANT: The hooks are in force.
        Ok(Attachment(()))
    }
}

impl Drop for Attachment {
    fn drop(&mut self) {
        // SAFETY: By the type invariants the hooks are in force; the module's exit may sleep.
        unsafe { bindings::nf_ct_tls_hooks_exit() };
    }
}

/// What each network namespace has of ours: counters and a policy, with their files.
///
/// # Invariants
///
/// The namespaces have it.
struct Namespaces(());

impl Namespaces {
    /// Makes it.
    fn new() -> Result<Self> {
        // SAFETY: Called from the module's init, which may sleep.
        to_result(unsafe { bindings::nf_ct_tls_load() })?;
        // INVARIANT: The namespaces have it.
        Ok(Namespaces(()))
    }
}

impl Drop for Namespaces {
    fn drop(&mut self) {
        // SAFETY: By the type invariants the namespaces have it, and no packet comes any more; the
        // module's exit may sleep.
        unsafe { bindings::nf_ct_tls_nets_exit() };
    }
}

/// All that the module holds of the kernel.
///
/// Fields are dropped in this order: no connection gets the helper any more when it is
/// unregistered.
pub(crate) struct Helper {
    _attachment: Attachment,
    _registration: Registration,
    _namespaces: Namespaces,
}

impl Helper {
    /// Registers the helpers, and lets new connections to the ports of a policy get the first of
    /// them.
    pub(crate) fn new() -> Result<Self> {
        let namespaces = Namespaces::new()?;
        let registration = Registration::new()?;
        Ok(Helper {
            _attachment: Attachment::new(&registration)?,
            _registration: registration,
            _namespaces: namespaces,
        })
    }
}

/// What a packet's network namespace wants of us, as its connection's helper has it.
pub(crate) struct Wanted {
    /// What the rules need.
    pub(crate) policy: Policy,
    /// The bits of the conntrack mark that tell of a broken rule.
    pub(crate) mark: u32,
    /// Whether to reset both ends of a condemned connection.
    pub(crate) reset: bool,
}

impl Wanted {
    /// Brings together a namespace's policy and a helper's profile.
    fn new(raw: &bindings::nf_ct_tls_policy, profile: u32) -> Self {
        let policy = Policy {
            seq_len: raw.seq_len,
            heartbeat: raw.heartbeat != 0,
            min_version: raw.min_version,
            midstream_drop: raw.midstream != 0,
            report: Reasons::from_bits(raw.report),
            off: Reasons::from_bits(raw.off),
            opening: opening(profile, raw.starttls != 0),
            passive: false,
        };
        let passive = raw.log_only != 0 || profile == bindings::NF_CT_TLS_PROFILE_REPORT;
        Wanted {
            policy: if passive { policy.reporting() } else { policy },
            mark: raw.mark,
            reset: raw.reset != 0,
        }
    }

    /// What becomes of a condemned connection.
    pub(crate) fn outcome(&self) -> Broken {
        if self.reset {
            Broken::Reset
        } else {
            Broken::Dropped
        }
    }
}

/// What comes before TLS where that helper is.
fn opening(profile: u32, required: bool) -> Opening {
    match profile {
        bindings::NF_CT_TLS_PROFILE_STARTTLS if required => Opening::StarttlsRequired,
        bindings::NF_CT_TLS_PROFILE_STARTTLS => Opening::Starttls,
        bindings::NF_CT_TLS_PROFILE_PROXY => Opening::Proxy,
        _ => Opening::Tls,
    }
}

/// What became of a broken rule.
#[derive(Clone, Copy)]
pub(crate) enum Broken {
    /// It is reported, and nothing else.
    Reported,
    /// Its connection is condemned, and dropped.
    Dropped,
    /// Its connection is condemned, and reset.
    Reset,
}

/// A packet's TCP header.
pub(crate) struct Header {
    raw: bindings::nf_ct_tls_segment,
    options: Options,
}

impl Header {
    fn has(&self, flag: u32) -> bool {
        self.raw.flags & flag != 0
    }

    /// Whether it is a RST.
    pub(crate) fn is_reset(&self) -> bool {
        self.has(bindings::NF_CT_TLS_RST)
    }

    /// Whether it has no payload.
    pub(crate) fn is_empty(&self) -> bool {
        self.raw.len == 0
    }

    /// Whether it is a bare ACK, or a RST without payload: half of all packets, and nothing to
    /// follow.
    pub(crate) fn is_bare(&self) -> bool {
        let flags = bindings::NF_CT_TLS_SYN | bindings::NF_CT_TLS_FIN | bindings::NF_CT_TLS_URG;
        self.is_empty() && !self.has(flags)
    }
}

/// A packet's payload.
///
/// # Invariants
///
/// `len` bytes at `offset` are within the packet, which lives for `'a`.
pub(crate) struct Payload<'a> {
    packet: &'a Packet<'a>,
    offset: u32,
    len: u32,
}

impl tls_parser::Payload for Payload<'_> {
    fn read(&mut self, from: u32, to: u32, each: &mut impl FnMut(&[u8]) -> ControlFlow<()>) -> u32 {
        let mut chunks = Chunks::new(self, from, to);
        while let Some(chunk) = chunks.next() {
            if each(chunk).is_break() {
                break;
            }
        }
        chunks.consumed
    }

    fn header_at(&mut self, at: u32) -> Option<[u8; 5]> {
        let mut header = [0; 5];
        // A small constant.
        let len = header.len() as u32;
        if at.checked_add(len)? > self.len {
            return None;
        }
        let offset = self.offset.checked_add(at)?;
        // SAFETY: The packet is valid by its type invariants, and `header` has room for `len`
        // bytes.
        unsafe {
            bindings::nf_ct_tls_peek(self.packet.skb.as_ptr(), offset, header.as_mut_ptr(), len)
        }
        .then_some(header)
    }
}

/// A packet of a connection that has the helper, as long as conntrack lends it to us.
///
/// # Invariants
///
/// `skb` and `ct` are valid, and for `'a` nobody else changes the packet. `ct` has the helper's
/// extension, which stays where it is for as long as the connection is confirmed or ours.
pub(crate) struct Packet<'a> {
    skb: NonNull<bindings::sk_buff>,
    ct: NonNull<bindings::nf_conn>,
    protoff: u32,
    ctinfo: u32,
    profile: u32,
    _lent: PhantomData<&'a mut bindings::sk_buff>,
}

impl<'a> Packet<'a> {
    /// Makes a packet of what conntrack hands to a helper.
    ///
    /// # Safety
    ///
    /// The arguments are those of [`nf_ct_tls_help`], and are valid for `'a`.
    unsafe fn from_raw(
        skb: *mut bindings::sk_buff,
        protoff: c_uint,
        ct: *mut bindings::nf_conn,
        ctinfo: c_uint,
        profile: c_uint,
    ) -> Option<Self> {
        // INVARIANT: By the safety requirements.
        Some(Packet {
            skb: NonNull::new(skb)?,
            ct: NonNull::new(ct)?,
            protoff,
            ctinfo,
            profile,
            _lent: PhantomData,
        })
    }

    /// The direction in which the packet travels.
    pub(crate) fn direction(&self) -> Direction {
        // SAFETY: Looks at nothing but its argument.
        if unsafe { bindings::nf_ct_tls_is_reply(self.ctinfo) } {
            Direction::Reply
        } else {
            Direction::Original
        }
    }

    /// The packet's TCP header; `None` if it cannot be read, or is no segment of the connection
    /// itself.
    pub(crate) fn header(&self) -> Option<Header> {
        let mut raw = MaybeUninit::<bindings::nf_ct_tls_segment>::uninit();
        let mut options = MaybeUninit::<[u8; bindings::NF_CT_TLS_OPTIONS as usize]>::uninit();
        // SAFETY: `skb` is valid by the type invariants; `raw` and `options` are ours to be
        // written. The fields that C leaves for `nf_ct_tls_look` are integers, and stay what they
        // were: zero.
        let raw = unsafe {
            raw.as_mut_ptr().write_bytes(0, 1);
            if !bindings::nf_ct_tls_segment_of(
                self.skb.as_ptr(),
                self.protoff,
                self.ctinfo,
                raw.as_mut_ptr(),
                options.as_mut_ptr().cast(),
            ) {
                return None;
            }
            raw.assume_init()
        };
        let has_payload = raw.len != 0;
        let mut header = Header {
            raw,
            options: Options::default(),
        };
        // Where there is nothing to read, nobody asks.
        if has_payload || header.has(bindings::NF_CT_TLS_SYN) {
            header.options = if raw.options.is_null() {
                Options::UNREADABLE
            } else {
                // SAFETY: So many bytes are there: in the packet, which nobody else changes, or in
                // `options`.
                Options::parse(unsafe {
                    slice::from_raw_parts(raw.options, raw.options_len as usize)
                })
            };
        }
        Some(header)
    }

    /// The packet's payload, which that header has found.
    pub(crate) fn payload(&self, header: &Header) -> Payload<'_> {
        // INVARIANT: `nf_ct_tls_segment_of` found it within the packet.
        Payload {
            packet: self,
            offset: header.raw.offset,
            len: header.raw.len,
        }
    }

    /// What its network namespace wants, now.
    pub(crate) fn wanted(&self) -> Wanted {
        // SAFETY: `ct` is valid by the type invariants, and conntrack lends us packets under
        // `rcu_read_lock()`, so that the policy stays; nobody changes one that is published.
        let policy = unsafe { &*bindings::nf_ct_tls_policy_of(self.ct.as_ptr()) };
        Wanted::new(policy, self.profile)
    }

    /// Why the connection was condemned, if it was; without its lock, so perhaps as of a moment
    /// ago.
    pub(crate) fn condemned(&self) -> Option<Reason> {
        let mut state = MaybeUninit::<State>::uninit();
        // SAFETY: `ct` is valid by the type invariants, and `state` has the size and alignment of
        // what C writes.
        if !unsafe { bindings::nf_ct_tls_snapshot(self.ct.as_ptr(), state.as_mut_ptr().cast()) } {
            return None;
        }
        // SAFETY: C wrote all of it, since it returned true. A `Connection` consists of integers,
        // so that it is valid even where two words are of different moments.
        unsafe { state.assume_init().connection }.condemned()
    }

    /// Locks the connection, and lends its state; `None` if it has none.
    pub(crate) fn lock(&self) -> Option<StateGuard<'_>> {
        // SAFETY: `ct` is valid by the type invariants, and its lock is not held by us.
        let state = unsafe { bindings::nf_ct_tls_lock(self.ct.as_ptr()) };
        let Some(state) = NonNull::new(state.cast()) else {
            // SAFETY: The lock was taken above.
            unsafe { bindings::nf_ct_tls_unlock(self.ct.as_ptr()) };
            return None;
        };
        // INVARIANT: The lock is held, and `state` is the helper's data.
        Some(StateGuard {
            ct: self.ct,
            state,
            _packet: PhantomData,
        })
    }

    /// Adds `n` to a counter of the connection's network namespace.
    pub(crate) fn count(&self, counter: Counter, n: u32) {
        // SAFETY: `ct` is valid by the type invariants. Packets come only while the helper is
        // registered, and so while there are counters: `Helper` drops them last.
        unsafe { bindings::nf_ct_tls_count(self.ct.as_ptr(), counter.index(), n.into()) };
    }

    /// Reports that this packet broke the rule of `reason`, and what became of that.
    pub(crate) fn report(&self, reason: Reason, broken: Broken) {
        let name = reason.name();
        let reply = self.direction() == Direction::Reply;
        let outcome = match broken {
            Broken::Reported => bindings::NF_CT_TLS_REPORTED,
            Broken::Dropped => bindings::NF_CT_TLS_DROPPED,
            Broken::Reset => bindings::NF_CT_TLS_RESET,
        };
        // SAFETY: `skb` and `ct` are valid by the type invariants, `name` is as long as said, and
        // the connection's lock is not held: guards do not outlive the look at the state.
        unsafe {
            bindings::nf_ct_tls_report(
                self.skb.as_ptr(),
                self.ct.as_ptr(),
                name.as_ptr(),
                name.len() as c_uint,
                reply,
                outcome,
            )
        };
    }

    /// Ends the connection at both ends. Returns for how many of them that succeeded, and whether
    /// the packet passes, whose TCP header and payload are other ones now.
    pub(crate) fn reset(&mut self) -> (u32, bool) {
        // SAFETY: `skb` and `ct` are valid by the type invariants, and belong to us: nobody borrows
        // of a packet that is borrowed mutably. The connection's lock is not held, for guards
        // borrow, too.
        let ended = unsafe {
            bindings::nf_ct_tls_reset(
                self.skb.as_ptr(),
                self.protoff,
                self.ct.as_ptr(),
                self.ctinfo,
            )
        };
        let passes = ended & bindings::NF_CT_TLS_RECEIVER != 0;
        (ended.count_ones(), passes)
    }

    /// Keeps conntrack's entry of the connection for as long as an end of it may live.
    pub(crate) fn hold(&self) {
        // SAFETY: `ct` is valid by the type invariants.
        unsafe { bindings::nf_ct_tls_hold(self.ct.as_ptr()) };
    }

    /// Leaves the entry to conntrack again, and clears bits in its mark.
    pub(crate) fn release(&self, mark: u32) {
        // SAFETY: `ct` is valid by the type invariants.
        unsafe {
            bindings::nf_ct_tls_unhold(self.ct.as_ptr());
            bindings::nf_ct_tls_clear_mark(self.ct.as_ptr(), mark);
        }
    }

    /// Marks the connection for a reason.
    pub(crate) fn set_mark(&self, mask: u32, reason: Reason) {
        // SAFETY: `ct` is valid by the type invariants.
        unsafe { bindings::nf_ct_tls_set_mark(self.ct.as_ptr(), mask, reason as c_uint) };
    }
}

/// A connection's state, while its lock is held.
///
/// # Invariants
///
/// `ct->lock` is held, by us. `state` points at the helper's data in `ct`: 32 bytes, 8-aligned,
/// zeroed when the connection was made, touched by nobody without the lock; every value of them is
/// a valid [`Connection`], which consists of integers.
pub(crate) struct StateGuard<'a> {
    ct: NonNull<bindings::nf_conn>,
    state: NonNull<Connection>,
    _packet: PhantomData<&'a ()>,
}

impl StateGuard<'_> {
    /// The segment of the packet, with what conntrack knows of it.
    pub(crate) fn look(&self, packet: &Packet<'_>, mut header: Header) -> Segment {
        // SAFETY: `ct` is valid and its lock held by the type invariants; `header` is used up here,
        // and so was not added to before.
        unsafe { bindings::nf_ct_tls_look(self.ct.as_ptr(), packet.ctinfo, &mut header.raw) };
        let has = |flag| header.has(flag);
        Segment {
            seq: header.raw.seq,
            ack: has(bindings::NF_CT_TLS_ACK).then_some(header.raw.ack),
            len: header.raw.len,
            syn: has(bindings::NF_CT_TLS_SYN),
            fin: has(bindings::NF_CT_TLS_FIN),
            rst: has(bindings::NF_CT_TLS_RST),
            urg: has(bindings::NF_CT_TLS_URG),
            signed: header.options.signed,
            mptcp: header.options.mptcp,
            opaque: has(bindings::NF_CT_TLS_OPAQUE),
            ack_lag: header.raw.ack_lag,
            max_window: header.raw.max_window,
            overruns: has(bindings::NF_CT_TLS_OVERRUNS),
            begins: has(bindings::NF_CT_TLS_BEGINS),
            established: has(bindings::NF_CT_TLS_ESTABLISHED).then_some(header.raw.acked),
        }
    }
}

impl Deref for StateGuard<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        // SAFETY: By the type invariants.
        unsafe { self.state.as_ref() }
    }
}

impl DerefMut for StateGuard<'_> {
    fn deref_mut(&mut self) -> &mut Connection {
        // SAFETY: By the type invariants.
        unsafe { self.state.as_mut() }
    }
}

impl Drop for StateGuard<'_> {
    fn drop(&mut self) {
        // SAFETY: The lock is held by the type invariants, and nothing uses the state any more.
        unsafe { bindings::nf_ct_tls_unlock(self.ct.as_ptr()) };
    }
}

/// A walk over a packet's payload.
///
/// # Invariants
///
/// `cursor` was begun by `nf_ct_tls_cursor_begin`, and walks over `len` bytes of a packet that
/// lives for `'a`, `consumed` of which were handed out.
struct Chunks<'a> {
    // C initialises as much of it as a `struct skb_seq_state` has, and nobody else looks into it.
    cursor: MaybeUninit<bindings::nf_ct_tls_cursor>,
    consumed: u32,
    len: u32,
    _packet: PhantomData<&'a ()>,
}

impl<'a> Chunks<'a> {
    /// Begins a walk from byte `from` to byte `to` of a payload.
    fn new(payload: &'a Payload<'_>, from: u32, to: u32) -> Self {
        let to = to.min(payload.len);
        let len = to.saturating_sub(from);
        let begin = payload.offset.saturating_add(from.min(to));
        let end = begin.saturating_add(len);
        let mut cursor = MaybeUninit::uninit();
        // SAFETY: The packet is valid by its type invariants, and the payload lies within it by its
        // own. `cursor` has room for what C writes.
        unsafe {
            bindings::nf_ct_tls_cursor_begin(
                cursor.as_mut_ptr(),
                payload.packet.skb.as_ptr(),
                begin,
                end,
            )
        };
        // INVARIANT: The walk has just begun. It holds no pointer to itself, so it may be moved.
        Chunks {
            cursor,
            consumed: 0,
            len,
            _packet: PhantomData,
        }
    }

    /// The next bytes, which stay until the next call.
    fn next(&mut self) -> Option<&[u8]> {
        let left = self
            .len
            .checked_sub(self.consumed)
            .filter(|&left| left != 0)?;
        let mut data = core::ptr::null();
        // SAFETY: By the type invariants the walk is under way, and `consumed` never shrinks.
        let found = unsafe {
            bindings::nf_ct_tls_cursor_next(self.cursor.as_mut_ptr(), self.consumed, &mut data)
        };
        if found == 0 || data.is_null() {
            return None;
        }
        // What is found may reach beyond the end that was asked for.
        let length = found.min(left);
        self.consumed = self.consumed.saturating_add(length);
        // SAFETY: C promises `found` readable, initialised bytes at `data` until the next call,
        // which the borrow of `self` forbids as long as the slice lives; `length` is no more.
        //
        // One promise of a slice nobody can give: on the machine that sends, payload may lie in
        // pages that its sender can still write (sendfile(), vmsplice(), MSG_ZEROCOPY). By Rust's
        // rules that is a data race. It is the one that each checksum and copy in the kernel lives
        // with, and it stays harmless here by what the parser does with a byte: it decides on
        // values, never on addresses; every length that it takes from the payload is compared with
        // what is left before use, with checked arithmetic; `unsafe` is forbidden in it, and
        // indexing is checked. A byte that is read twice with two values gives another verdict on a
        // packet of the very sender who changed it, and nothing else.
        Some(unsafe { slice::from_raw_parts(data, length as usize) })
    }
}

impl Drop for Chunks<'_> {
    fn drop(&mut self) {
        // SAFETY: By the type invariants the walk was begun, and nobody uses it any more.
        unsafe { bindings::nf_ct_tls_cursor_end(self.cursor.as_mut_ptr()) };
    }
}

/// Names a counter; `helpers.h` has the contract.
///
/// # Safety
///
/// `len` can be written.
#[no_mangle]
pub(crate) unsafe extern "C" fn nf_ct_tls_counter_name(
    counter: c_uint,
    len: *mut c_uint,
) -> *const u8 {
    // SAFETY: By the safety requirements.
    unsafe { lend_name(Counter::name(counter), len) }
}

/// Names a reason; `helpers.h` has the contract.
///
/// # Safety
///
/// `len` can be written.
#[no_mangle]
pub(crate) unsafe extern "C" fn nf_ct_tls_reason_name(
    reason: c_uint,
    len: *mut c_uint,
) -> *const u8 {
    let reason = (reason as usize)
        .checked_sub(1)
        .and_then(|index| Reason::ALL.get(index));
    // SAFETY: By the safety requirements.
    unsafe { lend_name(reason.map(|reason| reason.name()), len) }
}

/// Lends a name to C, as a pointer and a length; NULL for none.
///
/// # Safety
///
/// `len` can be written.
unsafe fn lend_name(name: Option<&'static str>, len: *mut c_uint) -> *const u8 {
    let Some(name) = name else {
        return core::ptr::null();
    };
    // SAFETY: By the safety requirements. Names are short.
    unsafe { len.write(name.len() as c_uint) };
    name.as_ptr()
}

/// Judges a packet; `helpers.h` has the contract.
///
/// # Safety
///
/// - `skb` is a TCP packet of `ct`, whose TCP header is at `protoff`, and belongs to the caller.
/// - `ct` has the helper's extension, and is not freed before we return.
/// - Called under `rcu_read_lock()`, without `ct->lock`.
#[no_mangle]
pub(crate) unsafe extern "C" fn nf_ct_tls_help(
    skb: *mut bindings::sk_buff,
    protoff: c_uint,
    ct: *mut bindings::nf_conn,
    ctinfo: c_uint,
    profile: c_uint,
) -> c_int {
    // SAFETY: By the safety requirements of this function.
    let passes = match unsafe { Packet::from_raw(skb, protoff, ct, ctinfo, profile) } {
        Some(mut packet) => crate::judge(&mut packet),
        None => true,
    };
    if passes {
        bindings::NF_CT_TLS_ACCEPT as c_int
    } else {
        bindings::NF_CT_TLS_DROP as c_int
    }
}
