package Luukku::Test::Tls;

# A test CA, another CA that nobody trusts, and certificates, made by openssl(1) once per test
# program and kept in its run directory.
#
#   my $tls = Luukku::Test::Tls->new;
#   $tls->ca          PEM file of the CA to trust
#   $tls->other_ca    PEM file of the CA that is not
#   $tls->cert('good')     { cert, key, pin }: signed by the CA, for localhost, mail.test, 127.0.0.1
#   $tls->cert('evil')     the same names, signed by the other CA
#   $tls->cert('other')    signed by the CA, for other.test only
#   $tls->cert('expired')  signed by the CA, good names, out of date
#   $tls->cert('self')     self-signed, good names

use strict;
use warnings;
use Digest::SHA ();
use Luukku::Test::Proc qw(run_dir slurp);

my @GOOD = ('DNS:localhost', 'DNS:mail.test', 'IP:127.0.0.1', 'IP:::1');
my %KIND = (
	good    => { ca => 'ca',       names => \@GOOD },
	evil    => { ca => 'other-ca', names => \@GOOD },
	other   => { ca => 'ca',       names => ['DNS:other.test'] },
	expired => { ca => 'ca',       names => \@GOOD, days => -1 },
	self    => { ca => undef,      names => \@GOOD },
);

my %by_dir;

sub new {
	my ($class, %option) = @_;
	my $dir = $option{dir} // run_dir() . '/tls';
	return $by_dir{$dir} if $by_dir{$dir};
	if (!-d $dir) {
		mkdir $dir or die "$dir: $!";
		chmod 0755, $dir;
	}
	return $by_dir{$dir} = bless { dir => $dir, made => {} }, $class;
}

sub openssl {
	my ($self, @arguments) = @_;
	my $log = "$self->{dir}/openssl.log";
	my $pid = fork // die "fork: $!";
	if ($pid == 0) {
		open STDIN, '<', '/dev/null';
		open STDOUT, '>>', $log;
		open STDERR, '>&', \*STDOUT;
		exec 'openssl', @arguments or POSIX::_exit(127);
	}
	waitpid $pid, 0;
	die "openssl @arguments failed:\n" . (slurp($log) // '') if $? != 0;
	return;
}

sub key {
	my ($self, $name) = @_;
	my $path = "$self->{dir}/$name.key";
	if (!-e $path) {
		$self->openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', $path);
		chmod 0644, $path;    # the servers run as another user; these keys protect nothing
	}
	return $path;
}

sub authority {
	my ($self, $name) = @_;
	my $path = "$self->{dir}/$name.pem";
	if (!-e $path) {
		$self->openssl('req', '-x509', '-new', '-key', $self->key($name), '-sha256',
			'-days', 30, '-subj', "/CN=luukku test $name", '-out', $path,
			'-addext', 'keyUsage=critical,keyCertSign,cRLSign');
	}
	return $path;
}

sub ca {
	my ($self) = @_;
	return $self->authority('ca');
}

sub other_ca {
	my ($self) = @_;
	return $self->authority('other-ca');
}

# A certificate of a kind named above, or of one's own: cert('mine', names => [..], ca => 'ca').
sub cert {
	my ($self, $name, %own) = @_;
	return $self->{made}{$name} if $self->{made}{$name};
	my %kind = %own ? (ca => 'ca', %own) : %{ $KIND{$name} // die "no certificate $name\n" };
	my ($key, $path) = ($self->key($name), "$self->{dir}/$name.pem");
	my $extension = "$self->{dir}/$name.ext";
	open my $out, '>', $extension or die "$extension: $!";
	print $out 'subjectAltName=' . join(',', @{ $kind{names} }) . "\nbasicConstraints=CA:FALSE\n",
		"keyUsage=digitalSignature\nextendedKeyUsage=serverAuth\n";
	close $out;
	my $request = "$self->{dir}/$name.csr";
	$self->openssl('req', '-new', '-key', $key, '-subj', "/CN=luukku $name", '-out', $request);
	my @signer = ('-signkey', $key);
	if ($kind{ca}) {
		@signer = ('-CA', $self->authority($kind{ca}), '-CAkey', $self->key($kind{ca}),
			'-CAcreateserial');
	}
	$self->openssl('x509', '-req', '-in', $request, @signer, '-sha256',
		'-days', $kind{days} // 20, '-extfile', $extension, '-out', $path);
	return $self->{made}{$name} = { cert => $path, key => $key, pin => $self->pin($path) };
}

# "sha256:HEX" of the public key in a certificate, as lk_server.pin wants it.
sub pin {
	my ($self, $path) = @_;
	my $public = "$path.pub";
	$self->openssl('x509', '-in', $path, '-noout', '-pubkey', '-out', $public);
	$self->openssl('pkey', '-pubin', '-in', $public, '-outform', 'DER', '-out', "$public.der");
	return 'sha256:' . Digest::SHA::sha256_hex(slurp("$public.der"));
}

1;
